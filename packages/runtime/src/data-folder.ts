import { accessSync, constants, mkdirSync } from 'node:fs'

export class DataFolderError extends Error {
  override name = 'DataFolderError'
}

/** Makes the folder of DATA_DIR where it is missing. Throws {@link DataFolderError} where this process cannot work in it, and says what to do. */
export function openDataFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const { code } = cause as { code?: string }
    const user = process.getuid?.()
    throw new DataFolderError(
      `DATA_DIR ${path} cannot be written to (${code ?? cause}): mount a volume there, give it to the user of this process` +
        `${user === undefined ? '' : ` (chown ${user})`}, or set DATA_DIR to another folder`,
      { cause },
    )
  }
}
