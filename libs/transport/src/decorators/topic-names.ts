/** The longest name that Kafka lets a topic have. */
const lengthMax = 249;

/** Whether Kafka allows a topic of this name. */
export function isTopicName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= lengthMax &&
    name !== '.' &&
    name !== '..' &&
    /^[\w.-]+$/.test(name)
  );
}

/** @throws TypeError when no topic can have this name */
export function checkTopicName(name: string): void {
  if (isTopicName(name)) return;
  throw new TypeError(
    `${JSON.stringify(name)} cannot be the name of a topic: ` +
      `1 to ${lengthMax} letters, digits, dots, hyphens and underscores`,
  );
}
