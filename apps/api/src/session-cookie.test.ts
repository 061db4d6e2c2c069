import { expect, it } from 'vitest'
import { testApi } from './testing/test-api.ts'

it('is secure where a believed proxy says that the visitor came by TLS, and only then', async () => {
  for (const [trustProxy, headers, name] of [
    [['loopback'], { 'x-forwarded-proto': 'https' }, '__Host-urna_session'],
    [['loopback'], {}, 'urna_session'],
    [false, { 'x-forwarded-proto': 'https' }, 'urna_session'],
  ] as const) {
    const api = await testApi({ trustProxy: trustProxy === false ? false : [...trustProxy] })
    const { headers: session } = await api.signIn('organizer')
    const secret = session.cookie.split('=')[1] as string
    const me = async (cookieName: string) =>
      (await api.app.inject({ url: '/v1/me', headers: { ...headers, cookie: `${cookieName}=${secret}` } })).statusCode
    for (const one of ['__Host-urna_session', 'urna_session']) expect([one, await me(one)]).toEqual([one, one === name ? 200 : 401])
    const ended = await api.app.inject({
      method: 'DELETE',
      url: '/v1/sessions/current',
      headers: { ...headers, cookie: `${name}=${secret}` },
    })
    expect(String(ended.headers['set-cookie']).startsWith(`${name}=;`)).toBe(true)
    expect(String(ended.headers['set-cookie']).endsWith('; Secure')).toBe(name !== 'urna_session')
    await api.app.close()
  }
})
