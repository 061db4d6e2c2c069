const codePattern = /^[0-9a-hjkmnp-tv-z]{26}$/
const inFragment = /^#(?:.*&)?code=([^&]*)/

/** The voting code in what somebody typed or pasted (a code, or a whole personal link), in one form; null if there is none. */
export function findVotingCode(typed: string): string | null {
  const fromLink = /#(?:[^#\s]*&)?code=([^&\s]*)/.exec(typed)?.[1]
  // The alphabet leaves out letters that are read as digits, so these can be put right.
  const code = decoded(fromLink ?? typed)
    .replace(/[\s-]/g, '')
    .toLowerCase()
    .replace(/o/g, '0')
    .replace(/[il]/g, '1')
  return codePattern.test(code) ? code : null
}

const memory = new Map<string, string>()

/**
 * Takes the code out of the address (`/p/{poll}#code=...`) before anything is loaded: from there it would get into histories, bookmarks and
 * screenshots. True if there was one.
 */
export function takeCodeFromAddress(pollId: string): boolean {
  const given = inFragment.exec(location.hash)?.[1]
  if (given === undefined) return false
  history.replaceState(history.state, '', location.pathname + location.search)
  keepCode(pollId, decoded(given))
  return true
}

/** What was given as the code of this poll, as it was written: by the link, or typed. It outlives a reload of this tab, and nothing else. */
export function heldCode(pollId: string): string | null {
  try {
    return memory.get(pollId) ?? sessionStorage.getItem(nameOf(pollId))
  } catch {
    return null
  }
}

export function keepCode(pollId: string, text: string): void {
  memory.set(pollId, text)
  try {
    sessionStorage.setItem(nameOf(pollId), text)
  } catch {
    // A browser that keeps nothing asks for it again after a reload.
  }
}

export function forgetCode(pollId: string): void {
  memory.delete(pollId)
  try {
    sessionStorage.removeItem(nameOf(pollId))
  } catch {
    // Nothing was kept there.
  }
}

function nameOf(pollId: string): string {
  return `urna:code:${pollId}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
