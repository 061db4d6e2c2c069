import { ApiFailure } from './api.ts'

/** A part of the pages that not every visitor needs. If it does not come, that is a failure like that of any other request: it is tried again. */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load()
  } catch {
    throw new ApiFailure('no-connection')
  }
}
