/** The package has no types of its own; this is the one function that local/lock.ts uses. */
declare module 'fs-native-extensions' {
  /** Whether the exclusive lock on the open file was granted. */
  export function tryLock(fd: number): boolean;
}
