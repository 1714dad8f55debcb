import { configDefinitions } from './definitions';
import type { ConfigDefinition } from './definitions';

const opening = `# Topic configs

<!-- Generated from libs/log/src/configs/definitions.ts by \`npm run docs\`. Do not edit. -->

Sluice knows every topic config of Kafka 4.4. A client may set any of them, reads them all back with
DescribeConfigs, and is refused with INVALID_CONFIG for any other name or for a value out of range.

**Obeyed** configs change what Sluice does. **Stored** ones are kept and described, so that tools
which set them work, and have no effect now.

Values are kept as text. Numbers beyond 2^53 - 1, such as 9223372036854775807, are described as they
were set and taken as 2^53 - 1 (285,000 years in milliseconds) where Sluice computes with them.

## Compacted topics

Sluice does not compact. It still accepts \`cleanup.policy=compact\`, because Kafka Connect, Kafka
Streams and schema registries insist on compacted topics, and because keeping everything breaks no
promise of compaction: Kafka says that each key's latest value stays, not when older ones go. What
this means in practice:

- Every record stays, so readers from the beginning see older values and deleted keys too, in order.
- Such a topic grows in Redis' memory until records are removed with DeleteRecords or the topic is
  deleted. The gateway logs a warning when one is created.
- A record without a key is refused with INVALID_RECORD, as Kafka does, so that what is stored can
  be compacted later.
- \`retention.ms\` and \`retention.bytes\` do not apply unless the policy is \`compact,delete\`.
`;

/** The whole text of docs/topic-configs.md, made from the table of definitions. */
export function topicConfigsMarkdown(): string {
  const obeyed = configDefinitions.filter((definition) => definition.obeyed);
  const stored = configDefinitions.filter((definition) => !definition.obeyed);
  return [opening, section('Obeyed', obeyed), section('Stored', stored)].join('\n');
}

function section(title: string, definitions: ConfigDefinition[]): string {
  return [`## ${title}\n`, ...definitions.map(entry)].join('\n');
}

function entry({
  name,
  type,
  default: fallback,
  allowed,
  documentation,
}: ConfigDefinition): string {
  const shown = fallback === '' ? 'empty' : `\`${fallback}\``;
  return `### ${name}\n\n${type}, default ${shown}, allowed: \`${allowed}\`\n\n${documentation}\n`;
}
