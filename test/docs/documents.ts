import { topicConfigsMarkdown } from '@sluice/log';
import * as markdown from 'prettier/plugins/markdown';
import { format } from 'prettier/standalone';
import { apiMatrixMarkdown } from './api-matrix';
import { limitsMarkdown } from './limits-markdown';
import { settingsMarkdown } from './settings-markdown';

/** The generated documents: the name of each file in docs/, and how its text is made. */
const documents: Readonly<Record<string, () => string>> = {
  'kafka-api.md': apiMatrixMarkdown,
  'limits.md': limitsMarkdown,
  'settings.md': settingsMarkdown,
  'topic-configs.md': topicConfigsMarkdown,
};

export const documentNames: readonly string[] = Object.keys(documents);

/** The text of a generated document, as it has to lie in docs/. */
export async function generate(name: string): Promise<string> {
  const make = documents[name];
  if (!make) throw new Error(`${name} is not generated`);
  return format(make(), { parser: 'markdown', plugins: [markdown] });
}
