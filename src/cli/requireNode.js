/**
 * Ends with one clear line where Node is too old, before anything it cannot read is loaded: plain
 * JavaScript, so that it runs on any Node. A checkout's npm scripts run on the `node` package that
 * `npm ci` brings; where npm was not allowed to run that package's install script, they silently
 * get the system's Node instead.
 */
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `blockpruner: Node ${process.versions.node} is too old, 22.18 or newer is needed. ` +
      "In a checkout, let npm run the install script of the 'node' package: npm approve-scripts node && npm rebuild node\n",
  );
  process.exit(1);
}
