import { registeredHandlers } from '@sluice/broker';
import { missingApis } from './missing-apis';
import { sourceFiles } from '@sluice/test/tidy/source-files';

const opening = `# Kafka APIs

<!-- Generated from the handlers in libs/broker/src/handlers by \`npm run docs\`. Do not edit. -->

The requests that Sluice answers, in the versions that it advertises with ApiVersions. "Flexible
from" is the first version with compact lengths and tagged fields (KIP-482). A request with any
other key or version ends its connection, as in Kafka; only ApiVersions is answered in every
version, so that clients can step down. A Kafka API that is missing here is not advertised, so
clients do not use it.

"Sent by" names the specs in test/integration and libs/broker that send the request by themselves;
the client tests in test/clients send what kcat, kafkajs and @platformatic/kafka make of it. Every
message is also written and read back in every version by the specs of libs/wire, against golden
bytes and against the codecs of kafkajs and @platformatic/kafka.
`;

interface Row {
  key: number;
  name: string;
  versions: string;
  flexibleFrom: string;
  file: string;
  about: string;
  specs: string[];
}

/** The whole text of docs/kafka-api.md, made from the registered handlers. */
export function apiMatrixMarkdown(): string {
  const rows = apiRows();
  const table = [
    '| Key | API | Versions | Flexible from | Sent by |',
    '| --: | --- | --- | --- | --- |',
    ...rows.map(tableRow),
  ];
  return [opening, ...table, '', missing(), ...rows.map(section)].join('\n');
}

/** What is not answered, by what is missing. */
function missing(): string {
  return [
    '## Not answered\n',
    'These are not advertised, so clients do not send them, or say that the broker cannot do it.\n',
    '| Missing | APIs |',
    '| --- | --- |',
    ...missingApis.map(({ what, apis }) => {
      const names = Object.entries(apis).map(([key, name]) => `${name} (${key})`);
      return `| ${what} | ${names.join(', ')} |`;
    }),
    '',
  ].join('\n');
}

function tableRow({ key, name, versions, flexibleFrom, specs }: Row): string {
  const link = `[${name}](#${name.toLowerCase()})`;
  const sentBy = specs.map(shortName).join(', ');
  return `| ${key} | ${link} | ${versions} | ${flexibleFrom} | ${sentBy} |`;
}

/** `groups` for test/integration/groups.spec.ts. */
function shortName(spec: string): string {
  return spec.replace(/^.*\//, '').replace(/\.spec\.ts$/, '');
}

function section({ key, name, file, about, specs }: Row): string {
  const named = specs.map((spec) => `[${spec}](../${spec})`);
  const sentBy = named.length > 0 ? [`- Sent by: ${named.join(', ')}`] : [];
  const lines = [
    `## ${name}\n`,
    `${about}\n`,
    `- Key: ${key}`,
    `- Handler: [${file}](../${file})`,
    ...sentBy,
  ];
  return `${lines.join('\n')}\n`;
}

function apiRows(): Row[] {
  const sources = sourceFiles(['libs/broker', 'test/integration'], ['.ts']);
  const handlerFiles = sources.filter(({ path }) => /handlers\/\d[\w-]*\.ts$/.test(path));
  // Those of the listener have handlers of their own.
  const specs = sources.filter(
    ({ path }) => path.endsWith('.spec.ts') && !path.startsWith('libs/broker/src/listener/'),
  );
  return registeredHandlers().map(({ api }) => {
    const handler =
      handlerFiles.find(({ text }) => text.includes(`handle(\n  ${api.name},`)) ??
      handlerFiles.find(({ text }) => text.includes(`handle(${api.name},`));
    if (!handler) throw new Error(`no handler file registers ${api.name}`);
    const { min, max } = api.versions;
    return {
      key: api.key,
      name: api.name,
      versions: min === max ? `${min}` : `${min}–${max}`,
      flexibleFrom: api.flexibleFrom === null ? 'never' : `${api.flexibleFrom}`,
      file: handler.path,
      about: headerComment(handler.text, handler.path),
      specs: specs.filter(({ text }) => imports(text, api.name)).map(({ path }) => path),
    };
  });
}

/** The comment above the handler, as one paragraph. */
function headerComment(text: string, path: string): string {
  const before = text.slice(0, text.search(/^export const \w+ = handle\(/m)).trimEnd();
  const start = before.lastIndexOf('/**');
  if (start === -1 || !before.endsWith('*/')) throw new Error(`${path} has no header comment`);
  const lines = before.slice(start + '/**'.length, -'*/'.length).split('\n');
  return lines
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .filter((line) => line !== '')
    .join(' ');
}

function imports(text: string, name: string): boolean {
  const [, named = ''] = /import \{([^}]*)\} from '@sluice\/wire';/.exec(text) ?? [];
  return named.split(',').some((one) => one.trim() === name);
}
