import { topicConfigsMarkdown } from '@sluice/log';
import { projectRoot } from '@sluice/test/tidy/source-files';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as babel from 'prettier/plugins/babel';
import * as estree from 'prettier/plugins/estree';
import * as markdown from 'prettier/plugins/markdown';
import { format } from 'prettier/standalone';
import { apiMatrixMarkdown } from './api-matrix';
import { withHouse } from './house-markdown';
import { httpApiMarkdown } from './http-api-markdown';
import { limitsMarkdown } from './limits-markdown';
import { metricsMarkdown } from './metrics-markdown';
import { openApiJson } from './openapi-json';
import { settingsMarkdown } from './settings-markdown';

/**
 * The generated documents: the name of each file in docs/, and how its text is made, in one of them
 * only a part of it, out of the whole as it is.
 */
const documents: Readonly<Record<string, (now: string) => string | Promise<string>>> = {
  'architecture.md': withHouse,
  'http-api.md': httpApiMarkdown,
  'kafka-api.md': apiMatrixMarkdown,
  'limits.md': limitsMarkdown,
  'metrics.md': metricsMarkdown,
  'openapi.json': openApiJson,
  'settings.md': settingsMarkdown,
  'topic-configs.md': topicConfigsMarkdown,
};

export const documentNames: readonly string[] = Object.keys(documents);

/** The text of a generated document, as it has to lie in docs/. */
export async function generate(name: string): Promise<string> {
  const make = documents[name];
  if (!make) throw new Error(`${name} is not generated`);
  const file = join(projectRoot, 'docs', name);
  const now = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const parser = name.endsWith('.json') ? 'json' : 'markdown';
  // As .prettierrc has it.
  const printWidth = 100;
  return format(await make(now), { parser, printWidth, plugins: [markdown, babel, estree] });
}
