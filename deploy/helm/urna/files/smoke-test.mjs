// `helm test`: what a voter would meet. It votes nothing. Arguments: the address of the api, and that of the pages if there are any.
const [api, pages] = process.argv.slice(1)
let failed = 0

async function check(what, url, isRight) {
  const startedMs = performance.now()
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    const text = await answer.text()
    const right = answer.ok && isRight(text)
    if (!right) failed++
    console.log(
      `${right ? 'ok    ' : 'FAILED'} ${what}: ${answer.status} ${url} ${Math.round(performance.now() - startedMs)} ms${right ? '' : ` ${text.slice(0, 300)}`}`,
    )
  } catch (error) {
    failed++
    console.log(`FAILED ${what}: ${url} ${error.cause?.message ?? error.message}`)
  }
}

await check('an api is ready', `${api}/readyz`, (text) => JSON.parse(text).ready)
await check('it says its version', `${api}/v1/config`, (text) => JSON.parse(text).name === 'Urna')
await check('polls are listed', `${api}/v1/polls`, (text) => Array.isArray(JSON.parse(text).polls))
await check('surveys are listed as older clients ask for them', `${api}/surveys`, (text) => Array.isArray(JSON.parse(text).surveys))
await check('the ballot queue answers', `${api}/api/healthcheck`, (text) => JSON.parse(text).sqsStatus === 'OK')
await check('the primary answers', `${api}/api/healthcheckmysql`, (text) => JSON.parse(text).mysqlStatus === 'OK')
if (pages !== undefined) {
  await check('the pages are healthy', `${pages}/healthz`, (text) => JSON.parse(text).message === 'OK')
  await check('the pages are there', `${pages}/`, (text) => text.includes('<!doctype html'))
}
console.log(failed === 0 ? 'all is well' : `${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
