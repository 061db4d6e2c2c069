import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { repository, temporaryDirectory } from '../support/standalone-process.ts'
import { cpuMicroseconds, withChildren } from './figures.ts'

/** Two figures of a ballot's first step, which the servers themselves do not count. */

/** How long a request of ballots.lua is, as it comes over the wire. */
export async function requestBytes(path: string): Promise<number> {
  let [bytes, requests] = [0, 0]
  const server = createServer((incoming, outgoing) => {
    requests++
    incoming.resume().on('end', () => outgoing.writeHead(202).end())
  })
  server.on('connection', (socket) => socket.on('close', () => (bytes += socket.bytesRead)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const script = join(repository, 'test/load/ballots.lua')
  const client = spawn('wrk', ['-t1', '-c1', '-d1s', '-s', script, `http://127.0.0.1:${port}`, '--', 'bytes', path], { stdio: 'ignore' })
  await new Promise((resolve) => client.once('close', resolve))
  await new Promise((resolve) => server.close(resolve))
  return bytes / requests
}

/** Processor time that nginx spends on a new connection with TLS 1.3, a key on P-256 and one short answer, in microseconds. */
export async function tlsHandshake(seconds = 3): Promise<number | { readonly missing: string }> {
  if (spawnSync('openssl', ['version']).error !== undefined) return { missing: 'apt-get install openssl' }
  const folder = temporaryDirectory()
  const at = (name: string) => join(folder.path, name)
  const port = await freePort()
  const made = spawnSync(
    'openssl',
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost'
      .split(' ')
      .concat('-keyout', at('key.pem'), '-out', at('certificate.pem')),
  )
  if (made.status !== 0) throw new Error(`no certificate: ${made.stderr}`)
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  writeFileSync(
    at('nginx.conf'),
    `${user} worker_processes 1; pid ${at('pid')}; error_log ${at('errors')}; events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${at('t')}; proxy_temp_path ${at('t')}; fastcgi_temp_path ${at('t')};
  uwsgi_temp_path ${at('t')}; scgi_temp_path ${at('t')};
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${at('certificate.pem')}; ssl_certificate_key ${at('key.pem')}; ssl_protocols TLSv1.3;
    location / { return 200 "ok"; }
  }
}
`,
  )
  const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  const nginx = spawn('nginx', ['-e', at('errors'), '-c', at('nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore', env: environment })
  const ended = new Promise((resolve) => nginx.once('exit', resolve))
  const endNginx = () => nginx.kill('SIGTERM')
  process.once('exit', endNginx)
  try {
    const connect = (forSeconds: number) =>
      spawnSync('openssl', ['s_time', '-connect', `127.0.0.1:${port}`, '-new', '-time', String(forSeconds), '-www', '/'], {
        encoding: 'utf8',
      })
    for (let attempt = 0; connect(1).status !== 0; attempt++) {
      if (attempt > 20) throw new Error('nginx with TLS did not start')
      await delay(100)
    }
    const pids = withChildren(nginx.pid ?? 0)
    const cpu = () => pids.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0)
    const before = cpu()
    const { stdout } = connect(seconds)
    const made = Number(/^(\d+) connections in \d+ real seconds/m.exec(stdout)?.[1] ?? Number.NaN)
    if (!(made > 0)) throw new Error(`openssl made no connection:\n${stdout}`)
    return (cpu() - before) / made
  } finally {
    process.removeListener('exit', endNginx)
    endNginx()
    await ended
    folder.remove()
  }
}
