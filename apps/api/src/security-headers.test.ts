import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { ApiDependencies } from './dependencies.ts'
import { documentPolicy, pageHeaders, pagePolicy } from './security-headers.ts'
import { asAdministrator, type TestApi, testApi } from './testing/test-api.ts'

let api: TestApi
afterEach(() => api.app.close())

async function headersAt(url: string, changes: Partial<ApiDependencies> = {}, request: object = {}): Promise<Record<string, unknown>> {
  api = await testApi(changes)
  return (await api.app.inject({ url, ...request })).headers
}

describe('what browsers are told', () => {
  const everywhere = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': documentPolicy,
    'cross-origin-resource-policy': 'same-origin',
  }

  it.each(['/v1/polls', '/v1/config', '/surveys', '/healthz', '/metrics', '/openapi.json', '/nothing', '/v1/polls/x'])(
    'of %s: nothing to show',
    async (url) => {
      const headers = await headersAt(url)
      expect(headers).toMatchObject(everywhere)
      expect(headers['strict-transport-security']).toBeUndefined()
    },
  )

  it('of an answer to a write, too', async () => {
    expect(await headersAt('/v1/polls', {}, { method: 'POST', headers: asAdministrator, payload: {} })).toMatchObject(everywhere)
  })

  it('of pages: no script and no style from elsewhere or written into them, no frame around them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'urna-pages-'))
    try {
      writeFileSync(join(folder, 'index.html'), '<title>Urna</title>')
      for (const [url, headers] of [
        ['/', {}],
        ['/receipts', { accept: 'text/html' }],
      ] as const) {
        expect(await headersAt(url, { pagesRoot: folder }, { headers })).toMatchObject({ ...everywhere, ...pageHeaders })
        await api.app.close()
      }
      api = await testApi()
    } finally {
      rmSync(folder, { recursive: true })
    }
    expect(pagePolicy).not.toMatch(/unsafe|\*|https?:/)
    for (const part of ["default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) {
      expect(pagePolicy.split('; ')).toContain(part)
    }
  })

  it('of the documentation: no script that is written into it', async () => {
    const policy = String((await headersAt('/docs/'))['content-security-policy'])
    expect(policy).toContain("frame-ancestors 'none'")
    // Swagger UI writes styles; scripts fall under default-src.
    expect(policy).toContain("default-src 'self'")
    expect(policy).not.toMatch(/script-src|unsafe-eval/)
  })

  it('to use https only, where PUBLIC_URL says that there is one', async () => {
    expect(await headersAt('/v1/config', { publicUrl: 'https://vote.example' })).toMatchObject({
      'strict-transport-security': 'max-age=31536000',
    })
    await api.app.close()
    expect((await headersAt('/v1/config', { publicUrl: 'http://vote.example' }))['strict-transport-security']).toBeUndefined()
  })
})
