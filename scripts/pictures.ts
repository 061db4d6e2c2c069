import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPicture } from './pictures/description.ts'
import { drawPicture } from './pictures/draw.ts'

/** `make pictures`: draws each docs/pictures/NAME.txt into NAME.svg beside it. */

const folder = join(import.meta.dirname, '../docs/pictures')
for (const name of readdirSync(folder).filter((file) => file.endsWith('.txt'))) {
  const path = join(folder, name)
  try {
    writeFileSync(path.replace(/\.txt$/, '.svg'), drawPicture(readPicture(readFileSync(path, 'utf8'))))
    console.log(`docs/pictures/${name.replace(/\.txt$/, '.svg')}`)
  } catch (error) {
    console.error(`docs/pictures/${name}: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
