// The version first: on an older Node the packages below fail with errors that say nothing.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`Urna needs Node 24 or newer, this is ${process.version}.`)
  process.exit(2)
}

const [{ runJobs }, { StoppedError }] = await Promise.all([import('./run.ts'), import('./stopped.ts')])

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second Ctrl-C ends the process at once.
  process.once(name, () => {
    stopping.abort(new StoppedError(`stopped by ${name}`))
    setTimeout(() => process.exit(1), 6_000).unref()
  })
}

process.exitCode = await runJobs(
  process.argv.slice(2),
  process.env,
  {
    print: (line) => console.log(line),
    warn: (line) => console.error(line),
    isTerminal: process.stdout.isTTY === true,
  },
  stopping.signal,
)
// Whatever is still open must not keep a job that has ended.
setTimeout(() => process.exit(), 2_000).unref()
