import assert from 'node:assert/strict'
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pageHeaders, pagePolicy, securityHeaders } from '@urna/api/security-headers'
import { send } from '../../support/client.ts'
import { repository, temporaryDirectory } from '../../support/standalone-process.ts'
import type { Checks } from './checks.ts'
import { eventually } from './checks.ts'
import { build, healthOf, isEngineHere, logsOf, output, type Place, stop, urlOf } from './engine.ts'
import { locked } from './urna-checks.ts'

const asBrowser = { accept: 'text/html' }
const isUp = (url: string) =>
  eventually(
    'answers',
    () => send('GET', `${url}/healthz`),
    ({ status }) => status === 200,
    20_000,
  )

async function startPages(place: Place, name: string, tag: string, ...options: string[]): Promise<string> {
  const container = await place.start(name, ...locked, '--publish', '8000', ...options, tag)
  const url = await urlOf(container, 8000)
  await isUp(url)
  return url
}

export async function pagesChecks(checks: Checks, place: Place, tag: string): Promise<void> {
  await checks.check('urna-frontend: the pages, with API_URL of the container, and the headers that the api gives them', async () => {
    const url = await startPages(place, 'pages', tag, '--env', 'API_URL=https://api.example/')
    for (const path of ['/', '/p/0123456789abcdef', '/admin']) {
      const { status, text, headers } = await send('GET', `${url}${path}`, { headers: asBrowser })
      assert.deepEqual([status, text.includes('<div id="root">')], [200, true])
      const { 'content-security-policy': policy, ...rest } = headers
      for (const [name, value] of Object.entries({ ...securityHeaders(null), ...pageHeaders })) {
        if (name.toLowerCase() !== 'content-security-policy') assert.equal(rest[name.toLowerCase()], value, name)
      }
      assert.equal(policy, pagePolicy.replace("connect-src 'self'", "connect-src 'self' https://api.example"))
    }
    assert.equal((await send('GET', `${url}/settings.js`)).text, "globalThis.urnaSettings = { apiUrl: 'https://api.example' }\n")
    const asset = /\/assets\/[\w.-]+\.js/.exec((await send('GET', `${url}/`, { headers: asBrowser })).text)?.[0]
    const { headers } = await send('GET', `${url}${asset}`, { headers: { 'accept-encoding': 'gzip' } })
    assert.deepEqual([headers['cache-control'], headers['content-encoding']], ['public, max-age=31536000, immutable', 'gzip'])
    assert.equal((await send('GET', `${url}/v1/polls`)).status, 404)
    // Told apart from an address of the pages: it is on a port of its own.
    assert.equal((await send('GET', `${url}/stub_status`)).status, 404)
    return undefined
  })

  await checks.check('urna-frontend: API_URL of the build, over which that of the container wins; a port alone; nonsense', async () => {
    const image = place.name('image', 'frontend-built')
    await build(image, 'urna-frontend.Dockerfile', '--build-arg', 'API_URL=https://built.example')
    const settings = async (name: string, ...options: string[]) => {
      const url = await startPages(place, name, image, ...options)
      const { headers } = await send('GET', url, { headers: asBrowser })
      const policy = /connect-src ([^;]*?) *;/.exec(String(headers['content-security-policy']))?.[1]
      return [(await send('GET', `${url}/settings.js`)).text.trim(), policy]
    }
    assert.deepEqual(await settings('built'), [
      "globalThis.urnaSettings = { apiUrl: 'https://built.example' }",
      "'self' https://built.example",
    ])
    assert.deepEqual(await settings('overridden', '--env', 'API_URL='), ["globalThis.urnaSettings = { apiUrl: '' }", "'self'"])
    assert.deepEqual(await settings('port', '--env', 'API_URL=:8080'), [
      "globalThis.urnaSettings = { apiUrl: location.protocol + '//' + location.hostname + ':8080' }",
      // The host that the browser asked for.
      "'self' http://127.0.0.1:8080 https://127.0.0.1:8080",
    ])
    assert.deepEqual(await settings('six', '--env', 'API_URL=http://[2001:db8::1]:8080/base/'), [
      "globalThis.urnaSettings = { apiUrl: 'http://[2001:db8::1]:8080/base' }",
      "'self' http://[2001:db8::1]:8080",
    ])
    for (const [variable, words] of [
      // Without PUBLIC_URL.
      ['ROLE=tls', 'PUBLIC_URL: expected an address'],
      ['API_URL=api.example', 'API_URL: expected an address'],
      ["API_URL=https://x.example/'};alert(1)//", 'API_URL: expected an address'],
      ['API_ORIGINS=https://x.example; script-src *', 'API_ORIGINS: expected origins'],
      ['ROLE=nonsense', 'ROLE: expected pages, load-balancer or tls'],
      ['LISTEN=8000; } evil {', 'LISTEN: expected a port'],
      ['WORKERS=0', 'WORKERS: expected a number'],
    ] as const) {
      const { status, stderr } = await place.run(...locked, '--network', 'none', '--env', variable, image)
      assert.equal(status, 2, variable)
      assert.ok(stderr.includes(words), stderr)
    }
    return undefined
  })

  await checks.check('urna-frontend: metrics of it by a container of the same image', async () => {
    const network = place.name('network', 'metrics')
    await output(['network', 'create', network])
    await output(['network', 'connect', '--alias', 'frontend', network, place.name('container', 'pages')])
    const exporter = await place.start('exporter', ...locked, '--network', network, '--publish', '8001', tag, 'nginx-exporter')
    const url = await urlOf(exporter, 8001)
    const text = await eventually(
      'metrics',
      async () => (await send('GET', `${url}/metrics`)).text,
      (seen) => seen.includes('nginx_up 1'),
    )
    assert.match(text, /^nginx_http_requests_total [1-9]/m)
    await eventually(
      'healthy',
      () => healthOf(exporter),
      (health) => health === 'healthy',
    )
    const { status, seconds } = await stop(exporter)
    assert.deepEqual([status, seconds < 5], [0, true])
    return undefined
  })

  await checks.check('urna-frontend: goes healthy, and docker stop ends it in order', async () => {
    const container = place.name('container', 'pages')
    await eventually(
      'healthy',
      () => healthOf(container),
      (health) => health === 'healthy',
    )
    const { status, seconds } = await stop(container)
    assert.equal(status, 0, await logsOf(container))
    assert.ok(seconds < 8, `${seconds} s`)
    return `${seconds.toFixed(1)} s`
  })

  await checks.check('urna-frontend: says which commands there are', async () => {
    const help = await place.run('--network', 'none', tag, '--help')
    assert.equal(help.status, 0)
    assert.match(help.stdout, /nginx-exporter/)
    const unknown = await place.run('--network', 'none', tag, 'nonsense')
    assert.equal(unknown.status, 2)
    assert.match(unknown.stderr, /no command nonsense/)
    return undefined
  })

  if (!isEngineHere)
    return checks.skip('urna-frontend: the development target serves a changed source at once', 'the engine is on another machine')
  await checks.check('urna-frontend: the development target serves a changed source at once', async () => {
    const image = place.name('image', 'frontend-dev')
    await build(image, 'urna-frontend.Dockerfile', '--target', 'dev')
    const directory = temporaryDirectory()
    try {
      chmodSync(directory.path, 0o755)
      cpSync(join(repository, 'apps/frontend/src'), join(directory.path, 'src'), { recursive: true })
      const mount = `${directory.path}/src:/app/apps/frontend/src:ro`
      const container = await place.start('frontend-dev', '--publish', '8000', '--volume', mount, image)
      const url = await urlOf(container, 8000)
      const source = join(directory.path, 'src/api-url.ts')
      const served = () => send('GET', `${url}/src/api-url.ts`)
      await eventually('served', served, ({ status, text }) => status === 200 && text.includes('apiUrlOf'))
      writeFileSync(source, `${readFileSync(source, 'utf8')}\nexport const changed = 'this is a change'\n`)
      await eventually('changed', served, ({ text }) => text.includes('this is a change'), 20_000)
      assert.ok((await stop(container)).seconds < 10)
    } finally {
      directory.remove()
    }
    return undefined
  })
}
