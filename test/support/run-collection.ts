import { deepStrictEqual } from 'node:assert'
import { runInNewContext } from 'node:vm'

/** Runs a Postman collection as far as ours goes: each request with a test script, in order, and its assertions. */

interface Item {
  readonly name: string
  readonly item?: readonly Item[]
  readonly request?: {
    readonly method: string
    readonly header: readonly { key: string; value: string }[]
    readonly url: { readonly raw: string }
    readonly auth?: { readonly type: string }
    readonly body?: { readonly raw: string }
  }
  readonly event?: readonly { readonly listen: string; readonly script: { readonly exec: readonly string[] } }[]
}

export interface Collection {
  readonly auth: { readonly bearer: readonly { readonly key: string; readonly value: string }[] }
  readonly variable: readonly { readonly key: string; readonly value: string }[]
  readonly item: readonly Item[]
}

export interface Assertion {
  readonly request: string
  readonly name: string
  /** Null: it holds. */
  readonly failure: string | null
}

export async function runCollection(collection: Collection, given: Readonly<Record<string, string>>): Promise<Assertion[]> {
  const variables = new Map([...collection.variable.map(({ key, value }) => [key, value] as const), ...Object.entries(given)])
  const filled = (text: string) =>
    text.replaceAll(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
      const value = variables.get(name)
      if (value === undefined || value === '') throw new Error(`the variable ${name} is not set`)
      return value
    })
  const assertions: Assertion[] = []
  for (const item of collection.item.flatMap(flat)) {
    const script = item.event?.find(({ listen }) => listen === 'test')?.script.exec
    if (item.request === undefined || script === undefined) continue
    const { method, header, url, auth, body } = item.request
    const headers = new Headers(header.map(({ key, value }) => [key, filled(value)] as [string, string]))
    const token = collection.auth.bearer.find(({ key }) => key === 'token')?.value ?? ''
    if (auth?.type !== 'noauth') headers.set('authorization', `Bearer ${filled(token)}`)
    const response = await fetch(filled(url.raw), { method, headers, ...(body !== undefined && { body: filled(body.raw) }) })
    const text = await response.text()
    const note = (name: string, assert: () => void) => {
      try {
        assert()
        assertions.push({ request: item.name, name, failure: null })
      } catch (error) {
        assertions.push({ request: item.name, name, failure: `${(error as Error).message} (${response.status} ${text.slice(0, 500)})` })
      }
    }
    // The script runs in a world of its own: what it makes is compared by value, through JSON.
    const pm = {
      test: note,
      response: {
        to: { have: { status: (status: number) => deepStrictEqual(response.status, status) } },
        json: () => JSON.parse(text),
      },
      expect: (value: unknown) => ({
        to: {
          eql: (wanted: unknown) => deepStrictEqual(JSON.parse(JSON.stringify(value)), JSON.parse(JSON.stringify(wanted))),
          be: { an: (kind: string) => deepStrictEqual(Array.isArray(value) ? 'array' : typeof value, kind) },
        },
      }),
      collectionVariables: {
        get: (name: string) => variables.get(name),
        set: (name: string, value: string) => variables.set(name, String(value)),
      },
    }
    note('runs its script', () => runInNewContext(script.join('\n'), { pm }, { timeout: 1_000 }))
  }
  return assertions
}

function flat(item: Item): Item[] {
  return item.item === undefined ? [item] : item.item.flatMap(flat)
}
