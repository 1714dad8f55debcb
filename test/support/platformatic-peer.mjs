// Runs @platformatic/kafka's codec in a process of its own (it is an ES module, which Jest does not
// load). stdin: a JSON list of jobs. stdout: the list of results.
//   { name, args }      → { body }             the request body as hex, and key and version
//   { name, response }  → { response, rest }   the parsed response, and how many bytes were left

const kafka = await import('@platformatic/kafka');
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const jobs = JSON.parse(Buffer.concat(chunks).toString(), revive);
process.stdout.write(JSON.stringify(jobs.map(run), replace));

function run({ name, args, response }) {
  const peer = kafka[name];
  if (peer === undefined) return { missing: true };
  const { key, version } = peer.api;
  if (args) {
    const body = peer.createRequest(...args).dynamicBuffer.slice();
    return { key, version, body: body.toString('hex') };
  }
  const reader = kafka.Reader.from(Buffer.from(response, 'hex'));
  try {
    return { response: peer.parseResponse(1, key, version, reader), rest: reader.remaining };
  } catch (error) {
    // An error code in the response makes it throw; what it has read comes with the error.
    if (error.response === undefined) return { failed: String(error) };
    return { response: error.response, rest: reader.remaining };
  }
}

function revive(_key, value) {
  if (typeof value === 'object' && value?.bigint !== undefined) return BigInt(value.bigint);
  if (typeof value === 'object' && value?.hex !== undefined) return Buffer.from(value.hex, 'hex');
  return value;
}

function replace(key, value) {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Map) return [...value.values()];
  if (value?.type === 'Buffer') return { hex: Buffer.from(value.data).toString('hex') };
  return value;
}
