import { setImmediate as nextTurn } from 'node:timers/promises'
import { ProblemError } from './problems.ts'

/** Who could be guessed to have such a password. */
export interface PasswordOwner {
  readonly username: string
  readonly name?: string
  readonly secondName?: string
  readonly email?: string
}

/** Where a password is what people think of first, it is this. */
const ownWords = ['urna', 'voting', 'votacao', 'eleicao', 'admin', 'administrator', 'administrador']
/** Longer ones are judged by their beginning: the work grows with the square of the length. */
const judgedCharactersMax = 64
/** Of 0..4: fewer than 10^8 guesses. */
const scoreMin = 3

export const guessableDetail = 'expected a password that is harder to guess: several words that do not belong together are'

/** Takes 1.5 MB of common passwords: loaded when the first one is set. */
let judge: Promise<(password: string, words: string[]) => number> | null = null

async function loadJudge(): Promise<(password: string, words: string[]) => number> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  const zxcvbn = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs })
  return (password, words) => zxcvbn.check(password, words).score
}

/** Whether a password is among the first that somebody would try: common ones, patterns of the keyboard, repetitions, and what is known of its owner. */
export async function isGuessable(password: string, { username, name = '', secondName = '', email = '' }: PasswordOwner): Promise<boolean> {
  judge ??= loadJudge()
  const words = [username, name, secondName, ...email.split(/[@.]/)].flatMap((text) => text.toLowerCase().split(/\s+/))
  const score = (await judge)(password.slice(0, judgedCharactersMax), [...ownWords, ...words.filter((word) => word.length > 2)])
  // A file of many passwords must not hold up everybody else.
  await nextTurn()
  return score < scoreMin
}

/** Throws `invalid-request` on this field. */
export async function assertHardToGuess(password: string, owner: PasswordOwner, field = 'password'): Promise<void> {
  if (await isGuessable(password, owner)) throw new ProblemError('invalid-request', { errors: [{ field, detail: guessableDetail }] })
}
