import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An authority (`ca.pem`), and a certificate of a server that it signed for `name` (`server.pem`, `server.key`). -> their folder, new in `place`. */
export function makeCertificates(name: string, place = tmpdir()): string {
  const folder = mkdtempSync(join(place, 'urna-tls-'))
  const openssl = (...words: string[]) => {
    const { status, stderr } = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`)
  }
  const keyOf = (file: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${file}.key`]
  openssl('req', '-x509', ...keyOf('ca'), '-out', 'ca.pem', '-days', '2', '-subj', '/CN=authority of this test')
  openssl('req', ...keyOf('server'), '-out', 'server.csr', '-subj', `/CN=${name}`)
  writeFileSync(join(folder, 'names'), `subjectAltName=DNS:${name}\n`)
  openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '2', '-extfile', 'names', '-out', 'server.pem')
  return folder
}
