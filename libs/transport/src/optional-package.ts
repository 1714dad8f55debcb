/**
 * A package that a service may have installed or not; null where it has not.
 *
 * @throws what the package itself throws when it is loaded
 */
export function optionalPackage<Package>(load: () => unknown): Package | null {
  try {
    return load() as Package;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}
