import { describeAdmin } from '@sluice/admin/admin.module';
import { projectVersion } from '@sluice/process';
import { problemKinds } from '../../libs/admin/src/http/problems';

const opening = `# The admin HTTP API

<!-- Made by \`npm run docs\` from libs/admin and test/docs/http-api-markdown.ts. Do not edit. -->

The gateway serves HTTP for people and tools at \`http://localhost:8080\` (\`--admin-port\`,
\`--admin-host\`; \`--no-admin\` leaves it out). A browser finds every endpoint with its parameters,
schemas and examples at \`/docs\`; programs find the same at \`/docs/openapi.json\` and in
[openapi.json](openapi.json). What it does is what the Kafka door does for the same request: both
call the same code, and a change through one is seen through the other.

\`\`\`console
$ curl -s localhost:8080/v1/topics -H 'Content-Type: application/json' \\
    -d '{"name": "orders", "partitions": 3, "configs": {"retention.ms": "86400000"}}'
$ curl -s 'localhost:8080/v1/topics?limit=100&sizes=true'
$ curl -s localhost:8080/v1/topics/orders
$ curl -s localhost:8080/v1/topics/orders/partitions
$ curl -s localhost:8080/v1/topics/orders/partitions -H 'Content-Type: application/json' \\
    -d '{"total": 6}'
$ curl -s -X DELETE 'localhost:8080/v1/topics/orders/partitions/0/records?before=end&dryRun=true'
$ curl -s -X DELETE localhost:8080/v1/topics/orders
\`\`\`

Records, consumer groups and retention have a page of their own:
[http-examples.md](http-examples.md).

## Keys and roles

Without keys, whoever reaches the port may do everything. So without keys the gateway listens on a
loopback address only, and does not start with another \`--admin-host\`. It also refuses requests
whose \`Host\` is not this machine: a web page whose name was made to lead here would otherwise
read all of it.

Keys come from \`SLUICE_ADMIN_KEYS\`, separated by commas, and from the file that
\`--admin-keys-file\` names, one a line. Each is \`name:role:key\`; the name is for the log, the key
has 16 to 256 characters.

\`\`\`sh
export SLUICE_ADMIN_KEYS="grafana:read:$(openssl rand -hex 24),ops:admin:$(openssl rand -hex 24)"
\`\`\`

| Role | What it may do |
| --- | --- |
| \`read\` | Look at everything, records and metrics too |
| \`write\` | Also add: create topics, produce records, move the offsets of groups |
| \`admin\` | Also change and delete what others rely on |

A key is sent as \`Authorization: Bearer <key>\` or as \`X-Api-Key: <key>\`. A browser that is
asked for a name and a password takes the key as the password, with any name. Where there are keys,
every request needs one, from this machine too; only health and the documentation are open. Keys are
kept as SHA-256 hashes, compared in a time that does not tell where they differ, and never logged.
There is no TLS: put a proxy in front where others could listen.

Pages of other sites may not change anything: requests of a browser with another \`Origin\` are
refused, and there are no CORS headers.

## What every request has in common

- **Errors** are problem documents (RFC 9457, \`application/problem+json\`). The last part of
  \`type\` is a code that stays the same; the table at the end has all. \`detail\` says what is
  wrong and what to do, \`errors\` names the fields that are wrong.
- **Redis is away**: 503 with \`Retry-After\`; nothing was changed. Where it is not known whether a
  change was made, the answer is 504 with the code \`outcome-unknown\`: look before you try again.
- **Ids**: each answer has an \`X-Request-Id\`, the caller's own where it sent one. At
  \`--log-level debug\` the log has a line for each request with this id, the key's name and the
  status, and without what stood behind \`?\` or in the body.
- **Pages**: \`limit\` is at most 1,000. \`next\` of a page is \`after\` of the next; null is the
  end. Pages go by name or number, so what is created or deleted meanwhile shifts none.
- **Bodies** are JSON in UTF-8, of at most 4 MiB. Fields that are not known are refused, so that a
  slip of the pen is not taken for a default.
- **Dry runs**: \`?dryRun=true\` checks and answers all as it would be, and changes nothing.
- **Two admins at once**: descriptions of topics and their configs have an \`ETag\`. A change of
  configs needs it back in \`If-Match\`; without it the answer is 428, and 412 when somebody was
  faster. \`If-Match: *\` overwrites. Deleting a topic takes it too, and may go without. Adding
  partitions needs none: the new total can only be larger.

\`\`\`console
$ etag=$(curl -sI localhost:8080/v1/topics/orders/configs | tr -d '\\r' | awk '/^ETag/ {print $2}')
$ curl -s -X PATCH localhost:8080/v1/topics/orders/configs -H "If-Match: $etag" \\
    -H 'Content-Type: application/json' \\
    -d '{"configs": {"retention.ms": "3600000", "cleanup.policy": null}}'
\`\`\`

- **Limits**: ${'`--admin-requests-per-second`'} requests of each key (of each address where there
  are no keys), twice as many at once, then 429 with \`Retry-After\`; wrong keys wear out
  sooner, and keep out nobody who sends a right one or none.
  256 connections. A request has to come whole within 30 s, and a connection on which nothing moves
  for a minute is closed.

## Health and metrics

\`/health/live\` answers as long as the process works. \`/health/ready\` answers 503 when a part is
down, and its body says which; without a retention worker it answers 200 with the status
\`degraded\`. Both need no key. \`/metrics\` is for Prometheus and needs the role
\`read\` where there are keys.

## The queue in a browser

\`/queues\` is [Bull Board](https://github.com/felixmosh/bull-board): the jobs of the housekeeping
with their data, errors and schedules. It needs the role \`read\` where there are keys, and a
browser then asks for them. It shows and changes nothing: runs are asked for and tried again under
\`/v1/retention/runs\`. Nothing of the page is loaded from elsewhere, and the gateway loads it when
it is first asked for.

## Endpoints
`;

interface Operation {
  summary: string;
  tags: string[];
  'x-role': string;
}

/** The whole text of docs/http-api.md, made from the controllers of the admin endpoints. */
export async function httpApiMarkdown(): Promise<string> {
  const document = (await describeAdmin(projectVersion())) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const rows = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, 'x-role': role }]) => {
      return `| \`${method.toUpperCase()} ${path}\` | ${role} | ${summary} |`;
    }),
  );
  const kinds = Object.entries(problemKinds).map(
    ([code, [status, title]]) => `| ${status} | \`${code}\` | ${title} |`,
  );
  return [
    opening,
    '| Endpoint | Role | What it does |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '## Problems\n',
    '| Status | Code | What it means |',
    '| --: | --- | --- |',
    ...kinds,
    '',
  ].join('\n');
}
