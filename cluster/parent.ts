/** Notices that the process which started this one is gone: npm's signals end the shell that it runs a script in, and go no further. */

/** How often this process looks, in milliseconds. */
const INTERVAL = 250;

/** Calls back once when the parent of this process has ended. It keeps no process alive. */
export function whenParentEnds(ended: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    ended();
  }, INTERVAL).unref();
}
