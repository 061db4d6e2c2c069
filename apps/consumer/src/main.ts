// The version first: on an older Node the packages below fail with errors that say nothing.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`Urna needs Node 24 or newer, this is ${process.version}.`)
  process.exit(1)
}

const { runConsumer } = await import('./run.ts')
await runConsumer(process.env)
