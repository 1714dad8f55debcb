/**
 * Why a port could not be listened on, and what to do; undefined for other errors.
 *
 * @param error as Node's server reports it
 * @param names of the settings to change
 */
export function explainListen(
  { code }: NodeJS.ErrnoException,
  { host, port }: { host: string; port: number },
  names: { port: string; host: string },
): string | undefined {
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use by another program. Choose one with ${names.port}.`;
  }
  if (code === 'EACCES') return `This user may not listen on port ${port}; choose one above 1023.`;
  const isNoAddress = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND';
  return isNoAddress ? `This machine has no address ${host}; see ${names.host}.` : undefined;
}

/** The same for the admin port, which an app can do without. */
export function explainAdminListen(
  error: NodeJS.ErrnoException,
  address: { host: string; port: number },
): string | undefined {
  const names = { port: '--admin-port or SLUICE_ADMIN_PORT', host: '--admin-host' };
  const why = explainListen(error, address, names);
  return why && `${why} --no-admin leaves the admin endpoints out.`;
}
