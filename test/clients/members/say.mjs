// What a member tells the test that started it: one line of JSON each on standard output.
//   { partitions: [0, 1] }                     it was given these
//   { partitions: null }                       they are being taken away
//   { record: { partition, offset, value } }   it has read this

/** The command line of every member: port, group, topic and session timeout in ms. */
export function readArguments() {
  const [port, groupId, topic, sessionTimeoutMs] = process.argv.slice(2);
  return {
    brokers: [`127.0.0.1:${port}`],
    groupId,
    topic,
    sessionTimeout: Number(sessionTimeoutMs),
  };
}

export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Leaves in order on SIGTERM, and ends when whoever started it is gone. */
export function endWith(leave) {
  process.once('SIGTERM', () => void leave().then(() => process.exit(0)));
  process.stdin.resume().once('end', () => process.exit(1));
}
