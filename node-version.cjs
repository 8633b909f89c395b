/** Says in one line that this Node is too old, before it fails at the first TypeScript file. npm start, npm run dev and npm run manage load it first. */
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `Rollcall needs Node 24 or newer, and this is ${process.version}. On Linux and Windows "npm ci" brings it, and npm's scripts use it; elsewhere install it.\n`,
  );
  process.exit(1);
}
