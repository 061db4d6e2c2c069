import { solveBetween, type Work } from './solve-challenge.ts'

/** Beside the page, so that it stays usable meanwhile. One work, one answer. */
addEventListener('message', ({ data }: MessageEvent<Work>) => {
  postMessage(solveBetween(data, 0, data.maxNumber))
})
