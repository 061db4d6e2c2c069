import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/** What no build of an image would notice: tags in two places, a manifest that is missing, layers that are not shared. */

const root = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const dockerfiles = ['urna', 'urna-frontend'].map((name) => ({ name, text: read(`deploy/docker/${name}.Dockerfile`) }))

const baseImages = new Map(
  read('deploy/docker/base-images')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/=(.*)/s, 2) as [string, string]),
)

/** Variables such as NODE_IMAGE and their defaults: `ARG NODE_IMAGE=tag` and `${NODE_IMAGE:-tag}`. */
function defaultsIn(text: string): { name: string; tag: string }[] {
  return [...text.matchAll(/^ARG ([A-Z]+)_IMAGE=(\S+)|\$\{([A-Z]+)_IMAGE:-([^}]+)\}/gm)].map(([, argument, tag, variable, other]) => ({
    name: (argument ?? variable ?? '').toLowerCase(),
    tag: tag ?? other ?? '',
  }))
}

function composeFiles(): string[] {
  const folder = join(root, 'deploy/compose')
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((name) => (/\.ya?ml$/.test(name) ? [`deploy/compose/${name}`] : []))
}

describe('base images', () => {
  it('are known by name, with a tag that is not the newest of the day', () => {
    expect([...baseImages.keys()].sort()).toEqual(['debian', 'mariadb', 'mysql', 'nginx', 'node', 'redis'])
    for (const [name, tag] of baseImages) expect(tag).toMatch(new RegExp(`^${name}:[0-9a-z.-]*[0-9a-z]$`))
    for (const tag of baseImages.values()) expect(tag).not.toMatch(/latest|stable$|mainline$/)
  })

  it.each(['deploy/docker/urna.Dockerfile', 'deploy/docker/urna-frontend.Dockerfile', ...composeFiles()])(
    '%s has the same tags',
    (path) => {
      const defaults = defaultsIn(read(path)).filter(({ name }) => baseImages.has(name))
      expect(defaults.map(({ name, tag }) => `${name}=${tag}`)).toEqual(defaults.map(({ name }) => `${name}=${baseImages.get(name)}`))
      if (path.endsWith('.Dockerfile')) expect(defaults.length).toBeGreaterThan(1)
    },
  )

  it.each(dockerfiles)('$name is made of nothing else, and of no syntax that is fetched', ({ text }) => {
    const stages = [...text.matchAll(/^FROM (\S+)(?: AS (\S+))?/gm)].map(([, from, name]) => ({ from, name }))
    const names = stages.map(({ name }) => name)
    const foreign = stages.filter(({ from = '' }) => !/^\$\{[A-Z]+_IMAGE\}$/.test(from) && !names.includes(from))
    expect(foreign).toEqual([])
    expect(text).not.toMatch(/^#\s*syntax=/im)
    // What runs is what is built without a target.
    expect(names.at(-1)).toBe(dockerfiles.find((file) => file.text === text)?.name)
  })
})

describe('layers', () => {
  it.each(dockerfiles)('$name installs by the manifest of every package, and of nothing else yet', ({ text }) => {
    const manifests = ['apps', 'packages'].flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}/package.json`))
    const [before = ''] = text.split('RUN npm ci')
    const copied = [...before.matchAll(/^COPY (\S+\/package\.json) (\S+)$/gm)].map(([, from = '', to = '']) => {
      expect(from).toBe(`${to}package.json`)
      return from
    })
    expect(copied).toEqual(manifests.filter((path) => existsSync(join(root, path))).sort())
    expect([...before.matchAll(/^COPY (?!.*\/package\.json).*$/gm)].map(([line]) => line)).toEqual([
      'COPY package.json package-lock.json ./',
    ])
  })

  it('are the same in both up to the pages', () => {
    const shared = dockerfiles.map(({ text }) => /^FROM \S+ AS packages$[\s\S]*?^RUN npm run build.*$/m.exec(text)?.[0])
    expect(shared[0]).toContain('npm ci --ignore-scripts')
    expect(shared[1]).toBe(shared[0])
  })

  it.each(dockerfiles)('$name knows what changes at each build only at its end', ({ text }) => {
    const end = text.slice(text.indexOf('ARG VERSION='))
    expect(end).not.toMatch(/^(RUN|COPY|FROM)/m)
    for (const label of ['title', 'description', 'source', 'licenses', 'version', 'revision', 'created']) {
      expect(end).toContain(`org.opencontainers.image.${label}=`)
    }
  })
})

describe('what nginx is told', () => {
  it('is filled in wherever a template has a name of ours', () => {
    const script = read('deploy/docker/urna-frontend/urna-frontend')
    const [, list = ''] = /envsubst '([^']+)'/.exec(script) ?? []
    const filled = [...list.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => name)
    const templates = readdirSync(join(root, 'deploy/nginx')).filter((name) => name.endsWith('.template'))
    const wanted = templates.flatMap((name) =>
      [...read(`deploy/nginx/${name}`).matchAll(/\$\{([A-Z_]+)\}/g)].map(([, variable]) => variable),
    )
    expect([...new Set(filled)].sort()).toEqual([...new Set(wanted)].sort())
  })
})
