import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { KubernetesObject } from './objects.ts'

type ModelClass = new (data: unknown) => { validate(): void }

/**
 * What is wrong with an object by the schemas of Kubernetes 1.35, KEDA and the Prometheus operator. They say nothing of a field that they do not
 * know, and a misspelt one would be thrown away by the cluster: so whatever the check never looked at is a fault, too.
 */
export async function schemaFaults(object: KubernetesObject, packages: string): Promise<string[]> {
  const where = `${object.kind} ${object.metadata?.name}`
  const model = await modelOf(object, packages)
  if (model === null) return [`${where}: there is no ${object.kind} in ${object.apiVersion}`]
  const read = new Set<string>()
  const recorded = recording(object, '', read)
  try {
    model.prototype.validate.call(recorded)
  } catch (error) {
    return [`${where}: ${(error as Error).message}`]
  }
  return unread(object, '', read).map((path) => `${where}: there is no field ${path}`)
}

async function modelOf({ apiVersion, kind }: KubernetesObject, packages: string): Promise<ModelClass | null> {
  for (const name of ['kubernetes-models', '@kubernetes-models/keda', '@kubernetes-models/prometheus-operator']) {
    const path = join(packages, name, apiVersion, `${kind}.js`)
    if (!existsSync(path)) continue
    const module = (await import(pathToFileURL(path).href)) as Record<string, ModelClass>
    return module[kind] ?? null
  }
  return null
}

function recording(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get(target, key, receiver) {
      if (typeof key === 'symbol' || !Object.hasOwn(target, key)) return Reflect.get(target, key, receiver)
      read.add(`${path}/${key}`)
      return recording(Reflect.get(target, key), `${path}/${key}`, read)
    },
  })
}

function unread(value: unknown, path: string, read: ReadonlySet<string>): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = `${path}/${key}`
    if (!read.has(place)) return isFree(place) ? [] : [place]
    return unread(inner, place, read)
  })
}

/** Free by the schema: ports and quantities are a number or a text, and are looked at without going in. */
function isFree(place: string): boolean {
  return freePlaces.some((pattern) => pattern.test(place))
}

const freePlaces: readonly RegExp[] = []
