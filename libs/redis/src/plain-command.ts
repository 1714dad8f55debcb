import { Command, type Redis } from 'ioredis';

/**
 * Sends a command as it is: by a shorter way than the connection's own methods, which look at each
 * argument and copy the list, and which for a small command takes longer than Redis does.
 *
 * @param args behind the name; numbers as text
 * @returns the reply, its values as bytes
 */
export function plainCommand(
  connection: Redis,
  name: string,
  args: (string | Buffer)[],
): Promise<unknown> {
  const command = new Command(name, [], { replyEncoding: null });
  command.args = args;
  return connection.sendCommand(command) as Promise<unknown>;
}
