import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

it.skipIf(process.platform === 'win32')('is the limit of the shell that started the process', () => {
  const script = `import { openFilesMax } from '${new URL('./open-files.ts', import.meta.url).href}'; console.log(openFilesMax())`
  const limited = execFileSync('sh', ['-c', 'ulimit -n 321 && exec "$0" --input-type=module -e "$1"', process.execPath, script])
  expect(limited.toString().trim()).toBe('321')
})

it.skipIf(process.platform === 'win32')('leaves files for more than connections', () => {
  const script = `import { connectionsWithinOpenFiles } from '${new URL('./open-files.ts', import.meta.url).href}'; console.log(connectionsWithinOpenFiles(50_000), connectionsWithinOpenFiles(7))`
  const limited = execFileSync('sh', ['-c', 'ulimit -n 1000 && exec "$0" --input-type=module -e "$1"', process.execPath, script])
  expect(limited.toString().trim()).toBe('900 7')
})
