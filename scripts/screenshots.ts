import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { catalogues, type Texts } from '../apps/frontend/src/texts/index.ts'
import { type ColourScheme, findChromium, howToGetChromium, type Language, TestBrowser } from '../test/support/browser.ts'
import { asAdministrator, getJson, openPoll, send, until } from '../test/support/client.ts'
import { freePort } from '../test/support/free-port.ts'
import { exitOnSignals, repository, StandaloneProcess, temporaryDirectory } from '../test/support/standalone-process.ts'
import { administrationPictures, picturedPassword } from './administration-pictures.ts'

/**
 * `make screenshots`: photographs every page and state that matters into docs/screenshots, from a process of its own with polls and
 * ballots that are the same at every run. Only ids and times differ. ONLY=admin takes those whose names begin so, and leaves the others.
 */

const only = process.env.ONLY ?? ''
/** All pictures together, those of earlier runs too: they travel with the repository. */
const bytesMax = 5_000_000
const folder = join(repository, 'docs/screenshots')
const forms = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } } as const
type Form = keyof typeof forms
const schemes: readonly ColourScheme[] = ['light', 'dark']

interface PollTexts {
  readonly title: string
  readonly description?: string
  /** Each question with its options; the shares that the options get of the ballots, in percent. */
  readonly questions: readonly { readonly text: string; readonly options: readonly string[]; readonly shares: readonly number[] }[]
}

/** What is voted on, in the words of those who vote. */
const towns: Record<
  Language,
  { square: PollTexts; party: PollTexts; library: PollTexts; film: PollTexts; budget: PollTexts; meeting: PollTexts }
> = {
  'en-GB': {
    square: {
      title: 'What shall the old market square become?',
      description: 'The council builds what most of us choose. Work begins in spring.',
      questions: [
        {
          text: 'What shall the old market square become?',
          options: ['A garden with trees', 'A playground', 'A weekly market', 'It stays as it is'],
          shares: [46, 27, 19, 8],
        },
      ],
    },
    party: {
      title: 'The summer party',
      description: 'On a Saturday, in the garden if it does not rain.',
      questions: [
        { text: 'When?', options: ['14 June', '28 June', '12 July'], shares: [30, 55, 15] },
        { text: 'Who plays?', options: ['The choir', 'The brass band'], shares: [40, 60] },
        { text: 'What do we eat?', options: ['Salads', 'Bread and cheese', 'Cake', 'Soup'], shares: [60, 45, 70, 20] },
      ],
    },
    library: {
      title: 'A name for the new library',
      questions: [
        { text: 'A name for the new library', options: ['Ada Lovelace', 'Mary Shelley', 'Harbour Library'], shares: [52, 31, 17] },
      ],
    },
    film: {
      title: 'Which film on Friday?',
      questions: [{ text: 'Which film on Friday?', options: ['Modern Times', 'Some Like It Hot', 'Playtime'], shares: [40, 35, 25] }],
    },
    budget: {
      title: 'Next year’s budget',
      questions: [{ text: 'Do you accept the budget?', options: ['Yes', 'No', 'I abstain'], shares: [60, 30, 10] }],
    },
    meeting: {
      title: 'Where do we meet next?',
      questions: [{ text: 'Where do we meet next?', options: ['In the library', 'In the town hall'], shares: [50, 50] }],
    },
  },
  'pt-BR': {
    square: {
      title: 'O que fazer com a praça do mercado velho?',
      description: 'A prefeitura constrói o que a maioria escolher. As obras começam na primavera.',
      questions: [
        {
          text: 'O que fazer com a praça do mercado velho?',
          options: ['Um jardim com árvores', 'Um parquinho', 'Uma feira semanal', 'Fica como está'],
          shares: [46, 27, 19, 8],
        },
      ],
    },
    party: {
      title: 'A festa junina',
      description: 'Num sábado, no jardim se não chover.',
      questions: [
        { text: 'Quando?', options: ['14 de junho', '28 de junho', '12 de julho'], shares: [30, 55, 15] },
        { text: 'Quem vai tocar?', options: ['O coral', 'A banda'], shares: [40, 60] },
        { text: 'O que vamos comer?', options: ['Saladas', 'Pão e queijo', 'Bolo', 'Sopa'], shares: [60, 45, 70, 20] },
      ],
    },
    library: {
      title: 'Um nome para a nova biblioteca',
      questions: [
        {
          text: 'Um nome para a nova biblioteca',
          options: ['Carolina Maria de Jesus', 'Machado de Assis', 'Biblioteca do Porto'],
          shares: [52, 31, 17],
        },
      ],
    },
    film: {
      title: 'Qual filme na sexta?',
      questions: [{ text: 'Qual filme na sexta?', options: ['Central do Brasil', 'Tempos modernos', 'Playtime'], shares: [40, 35, 25] }],
    },
    budget: {
      title: 'O orçamento do ano que vem',
      questions: [{ text: 'Você aprova o orçamento?', options: ['Sim', 'Não', 'Abstenção'], shares: [60, 30, 10] }],
    },
    meeting: {
      title: 'Onde vai ser a próxima reunião?',
      questions: [{ text: 'Onde vai ser a próxima reunião?', options: ['Na biblioteca', 'Na prefeitura'], shares: [50, 50] }],
    },
  },
}

interface Town {
  readonly url: string
  readonly language: Language
  readonly texts: (typeof towns)[Language]
  /** Ids of the polls. */
  readonly square: string
  readonly party: string
  readonly film: string
  readonly once: string
  readonly hidden: string
  readonly later: string
  readonly closed: string
  readonly receipt: string
}

/** The same numbers at every run: https://en.wikipedia.org/wiki/Linear_congruential_generator, with the constants of Numerical Recipes. */
function dice(): () => number {
  let state = 20_261_121
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

function pollInput({ title, description = '', questions }: PollTexts, more: object = {}): object {
  return {
    title,
    description,
    questions: questions.map(({ text, options }, index) => ({
      text,
      options: options.map((option) => ({ text: option })),
      ...(questions.length > 1 && index === 1 ? { required: false } : {}),
      ...(questions.length > 1 && index === 2 ? { method: 'multiple', max: 2 } : {}),
    })),
    ...more,
  }
}

/** Ballots of so many voters; resolves with the last receipt. */
async function vote(url: string, pollId: string, { title, questions }: PollTexts, voters: number): Promise<string> {
  const throwDice = dice()
  let receipt = ''
  for (let voter = 0; voter < voters; voter++) {
    const answers = questions.map(({ shares }, index) => {
      if (index === 2) return { question: 3, options: severalOf(shares, throwDice) }
      // Some leave the optional question blank.
      if (index === 1 && throwDice() < 0.2) return { question: 2, options: [] }
      return { question: index + 1, options: [oneOf(shares, throwDice())] }
    })
    const headers = { 'idempotency-key': `${Buffer.from(title).toString('hex').slice(0, 40)}-voter-${voter}` }
    const answer = await send('POST', `${url}/v1/polls/${pollId}/ballots`, { body: { answers }, headers })
    if (answer.status !== 202) throw new Error(`ballot not taken: ${answer.status} ${answer.text}`)
    receipt = (JSON.parse(answer.text) as { receipt: string }).receipt
  }
  return receipt
}

function oneOf(shares: readonly number[], thrown: number): number {
  let left = thrown * shares.reduce((sum, share) => sum + share, 0)
  const index = shares.findIndex((share) => {
    left -= share
    return left < 0
  })
  return index + 1
}

function severalOf(shares: readonly number[], throwDice: () => number): number[] {
  const chosen = shares.flatMap((share, index) => (throwDice() * 100 < share ? [index + 1] : [])).slice(0, 2)
  return chosen.length > 0 ? chosen : [1]
}

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()

async function buildTown(url: string, language: Language): Promise<Town> {
  const texts = towns[language]
  const open = async (input: object, times: { closesAt?: string } = {}) => (await openPoll(url, input, times)).id
  const closing = { closesAt: new Date(Date.now() + 4_000).toISOString() }
  const closed = await open(pollInput(texts.library), closing)
  await vote(url, closed, texts.library, 240)
  const film = await open(pollInput(texts.film), { closesAt: inHours(5) })
  const once = await open(pollInput(texts.budget, { changesAllowed: false }))
  const hidden = await open(pollInput(texts.budget, { resultsVisibility: 'after_closing', listed: false }), { closesAt: inHours(72) })
  const party = await open(pollInput(texts.party), { closesAt: inHours(49) })
  await vote(url, party, texts.party, 130)
  const square = await open(pollInput(texts.square), { closesAt: inHours(30) })
  const receipt = await vote(url, square, texts.square, 412)

  const created = await send('POST', `${url}/v1/polls`, { body: pollInput(texts.meeting), headers: asAdministrator })
  const { id: later } = JSON.parse(created.text) as { id: string }
  await send('POST', `${url}/v1/polls/${later}/open`, { body: { opensAt: inHours(20) }, headers: asAdministrator })
  await until(async () => ((await send('GET', `${url}/v1/polls/${later}`)).status === 200 ? true : null))
  await until(async () => ((await getJson<{ status: string }>(`${url}/v1/receipts/${receipt}`)).status === 'counted' ? true : null))
  // The result is final half a minute after closing.
  const isFinal = async () => (await getJson<{ status: string }>(`${url}/v1/polls/${closed}/results`)).status === 'final'
  await until(async () => ((await isFinal()) ? true : null), 90_000)
  return { url, language, texts, square, party, film, once, hidden, later, closed, receipt }
}

interface Scene {
  readonly page: Page
  readonly town: Town
  readonly words: Texts
  open(path: string): Promise<unknown>
  choose(poll: PollTexts, question: number, option: number): Promise<void>
  press(button: string): Promise<void>
  seeHeading(name: string): Promise<void>
}

/** How to come to what is photographed, and whether it is worth a picture in every language. */
const pictures: Record<string, { readonly everyLanguage?: boolean; go(scene: Scene): Promise<unknown> }> = {
  home: {
    everyLanguage: true,
    async go({ page, town, open }) {
      await open('/')
      await page.getByRole('link', { name: town.texts.square.title, exact: true }).waitFor()
    },
  },
  vote: {
    everyLanguage: true,
    async go({ page, town, open, choose, words }) {
      await open(`/p/${town.party}`)
      await choose(town.texts.party, 0, 1)
      await page.getByText(words.vote.progress(1, 3)).waitFor()
    },
  },
  'vote-faults': {
    async go({ page, town, open, choose, press, words }) {
      await open(`/p/${town.party}`)
      for (const option of [0, 1, 2]) await choose(town.texts.party, 2, option)
      await press(words.vote.send)
      await page
        .getByRole('alert')
        .filter({ hasText: words.vote.faults(2) })
        .waitFor()
    },
  },
  'vote-waiting': {
    async go({ page, town, open, choose, press, words }) {
      await page.route('**/ballots', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '60' } }))
      await open(`/p/${town.film}`)
      await choose(town.texts.film, 0, 1)
      await press(words.vote.send)
      await page.getByText(words.vote.tryingAgain).waitFor()
    },
  },
  'vote-received': {
    async go({ page, town, open, choose, press, seeHeading, words }) {
      await page.route('**/v1/receipts', (route) =>
        route.fulfill({ json: { receipt: '', pollId: town.film, status: 'received', detail: '' } }),
      )
      await open(`/p/${town.film}`)
      await choose(town.texts.film, 0, 0)
      await press(words.vote.send)
      await seeHeading(words.vote.outcomes.received)
    },
  },
  'vote-counted': {
    everyLanguage: true,
    async go({ town, open, choose, press, seeHeading, words }) {
      await open(`/p/${town.film}`)
      await choose(town.texts.film, 0, 0)
      await press(words.vote.send)
      await seeHeading(words.vote.outcomes.counted)
    },
  },
  'vote-change': {
    async go({ page, town, open, choose, press, seeHeading, words }) {
      await open(`/p/${town.film}`)
      await choose(town.texts.film, 0, 2)
      await press(words.vote.send)
      await seeHeading(words.vote.outcomes.counted)
      await open(`/p/${town.film}`)
      await page.getByRole('button', { name: words.vote.sendChanged }).waitFor()
    },
  },
  'vote-no-changes': {
    async go({ page, town, open, choose, press, seeHeading, words }) {
      await open(`/p/${town.once}`)
      await choose(town.texts.budget, 0, 0)
      await press(words.vote.send)
      await seeHeading(words.vote.outcomes.counted)
      await open(`/p/${town.once}`)
      await page.getByText(words.vote.alreadyVotedFixed).waitFor()
      await page.getByText(words.receipt.meanings.counted).waitFor()
    },
  },
  'vote-closed': {
    async go({ page, town, open, words }) {
      await open(`/p/${town.closed}`)
      await page.getByText(words.vote.closedHint).waitFor()
    },
  },
  'vote-not-open-yet': {
    async go({ page, town, open, words }) {
      await open(`/p/${town.later}`)
      await page.getByText(words.vote.notOpenYetHint).waitFor()
    },
  },
  results: {
    everyLanguage: true,
    async go({ page, town, open, choose, press, seeHeading, words }) {
      await open(`/p/${town.square}`)
      await choose(town.texts.square, 0, 0)
      await press(words.vote.send)
      await seeHeading(words.vote.outcomes.counted)
      await open(`/p/${town.square}/results`)
      await page.getByText(words.results.live, { exact: true }).waitFor()
      await page.getByText(words.results.yourVote).waitFor()
    },
  },
  'results-table': {
    async go({ page, town, open, press, words }) {
      await open(`/p/${town.party}/results`)
      await press(words.results.asTable)
      await page.getByRole('table').first().waitFor()
      await page.getByText(words.results.live, { exact: true }).waitFor()
    },
  },
  'results-away': {
    async go({ page, town, open, words }) {
      // Plain results still answer: they are what stays on the page.
      await page.route('**/results/live', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '60' } }))
      await open(`/p/${town.square}/results`)
      await page.getByText(words.results.notLiveHint).waitFor()
    },
  },
  'results-hidden': {
    async go({ page, town, open, words }) {
      await open(`/p/${town.hidden}/results`)
      await page.getByText(words.results.hiddenTitle).waitFor()
    },
  },
  'results-final': {
    async go({ page, town, open, words }) {
      await open(`/p/${town.closed}/results`)
      await page.getByText(words.results.finalHint).waitFor()
    },
  },
  receipts: {
    async go({ open, seeHeading, words }) {
      await open('/receipts')
      await seeHeading(words.receipts.title)
    },
  },
  'receipts-counted': {
    everyLanguage: true,
    async go({ page, town, open, words }) {
      await open(`/receipts#${town.receipt}`)
      await page.getByRole('status').filter({ hasText: words.receipt.meanings.counted }).waitFor()
    },
  },
  'not-found': {
    async go({ open, seeHeading, words }) {
      await open('/p/0123456789abcdef')
      await seeHeading(words.poll.notFoundTitle)
    },
  },
  ...administrationPictures,
}

async function photograph(browser: TestBrowser, town: Town, name: string, form: Form, scheme: ColourScheme): Promise<string> {
  const { language, url } = town
  const { page } = await browser.newPage({ language, scheme, ...forms[form] })
  const words = language === 'pt-BR' ? catalogues['pt-BR'] : catalogues.en
  await pictures[name]?.go({
    page,
    town,
    words,
    open: (path) => page.goto(url + path),
    async choose(poll, question, option) {
      const { text = '', options = [] } = poll.questions[question] ?? {}
      await page
        .getByRole('group', { name: text, exact: true })
        .getByLabel(options[option] ?? '', { exact: true })
        .check()
    },
    press: (button) => page.getByRole('button', { name: button, exact: true }).click(),
    seeHeading: (heading) => page.getByRole('heading', { name: heading, exact: true }).waitFor(),
  })
  const file = `${name}-${form}-${scheme}${language === 'pt-BR' ? '-pt-BR' : ''}.webp`
  // What sticks to the edge of the window would lie in the middle of the picture.
  await page.evaluate(() => scrollTo(0, 0))
  const look = { fullPage: true, animations: 'disabled', caret: 'hide', scale: 'css' } as const
  // Half the size of a PNG, and no difference to be seen.
  await page.screenshot({ path: join(folder, file), type: 'webp', quality: 80, ...look })
  await browser.closePages()
  return file
}

/** One town, in a process and a browser of its own. */
async function photographTown(executablePath: string, language: Language): Promise<string[]> {
  const directory = temporaryDirectory()
  const urna = new StandaloneProcess({
    dataDirectory: directory.path,
    port: await freePort(),
    environment: { ADMIN_PASSWORD: picturedPassword },
  })
  let browser: TestBrowser | undefined
  try {
    await urna.ready(60_000)
    browser = await TestBrowser.launch(executablePath)
    const town = await buildTown(urna.url, language)
    const files: string[] = []
    for (const [name, { everyLanguage = false }] of Object.entries(pictures)) {
      if ((language !== 'en-GB' && !everyLanguage) || !name.startsWith(only)) continue
      for (const form of Object.keys(forms) as Form[]) {
        for (const scheme of schemes) {
          // The administration once light on a desk and once dark on a telephone: the look is the same as everywhere.
          if (name in administrationPictures && (form === 'desktop') !== (scheme === 'light')) continue
          files.push(await photograph(browser, town, name, form, scheme))
        }
      }
    }
    return files
  } finally {
    await browser?.close()
    await urna.stop()
    directory.remove()
  }
}

exitOnSignals()
const chromium = findChromium()
if (chromium === null) {
  console.error(`The pictures are taken in a browser: ${howToGetChromium}.`)
  process.exit(1)
}
mkdirSync(folder, { recursive: true })
// Together: each waits half a minute for a result to become final.
const written = (await Promise.all([photographTown(chromium, 'en-GB'), photographTown(chromium, 'pt-BR')])).flat()
// A picture whose state was renamed must not stay.
for (const file of readdirSync(folder)) if (file.startsWith(only) && !written.includes(file)) rmSync(join(folder, file))
const sizeOf = (file: string) => statSync(join(folder, file)).size
for (const file of written) console.log(`docs/screenshots/${file}  ${Math.ceil(sizeOf(file) / 1_000)} kB`)
const bytes = readdirSync(folder).reduce((sum, file) => sum + sizeOf(file), 0)
console.log(`${written.length} pictures; all that are there: ${Math.ceil(bytes / 1_000)} kB`)
if (bytes > bytesMax) {
  console.error(`They may have ${bytesMax / 1_000} kB together`)
  process.exitCode = 1
}
