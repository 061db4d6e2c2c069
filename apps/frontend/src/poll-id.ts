const pattern = /^[0-9a-hjkmnp-tv-z]{16}$/

/** The poll id in what somebody typed or pasted (an id, or a whole link), null if there is none. */
export function findPollId(typed: string): string | null {
  const fromLink = /\/p\/([^/?#\s]+)/.exec(typed)?.[1]
  // The alphabet leaves out letters that are read as digits, so these can be put right.
  const id = (fromLink ?? typed).replace(/[\s-]/g, '').toLowerCase().replace(/o/g, '0').replace(/[il]/g, '1')
  return pattern.test(id) ? id : null
}
