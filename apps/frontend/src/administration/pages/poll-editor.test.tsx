// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import type { UserEvent } from '@testing-library/user-event'
import type { Poll } from '@urna/contracts'
import { expect, test } from 'vitest'
import { type Answer, json, noConnection, problem } from '../../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken } from '../../testing/pages.tsx'
import { drink, newPoll, routes } from '../../testing/samples.ts'
import { paths, settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()
const { editor } = words
const create = 'POST /v1/polls'

const option = (number: number, question = 1) => screen.getByLabelText<HTMLInputElement>(editor.option(number, question))
const optionTexts = () => screen.getAllByLabelText<HTMLInputElement>(/^Option \d+ of question 1$/).map(({ value }) => value)
const press = async (user: UserEvent, name: string) => {
  await user.click(screen.getByRole('button', { name }))
  await pass(50)
  await settle()
}

/** What the api makes of a draft. */
const asDraft: Answer = (asked) => {
  const { questions, ...rest } = asked.body as Poll
  const poll = newPoll({
    ...rest,
    state: 'draft',
    opensAt: null,
    questions: questions.map((question, index) => ({
      ...question,
      number: index + 1,
      min: 1,
      max: 1,
      options: question.options.map((one, at) => ({ ...one, number: at + 1 })),
    })),
  })
  place.api.on(routes.poll(poll.id), json(poll))
  return json(poll, 201)(asked)
}

test('faults are said in their fields, by the schema of the api; then the draft is saved as it was written', async () => {
  const { api } = place
  api.on(create, asDraft)
  const user = await visitAdministration(api, '/admin/polls/new', 'organizer')
  await press(user, editor.save)
  expect(screen.getByText(editor.faults(4))).toBeDefined() // the title, the question, its two options
  expect(document.activeElement).toBe(screen.getByLabelText(editor.title))
  expect(api.asks(create)).toEqual([])

  await user.type(screen.getByLabelText(editor.title), 'Afternoon break')
  await user.type(screen.getByLabelText(editor.question(1)), 'What do you drink?')
  await user.type(option(1), 'Tea')
  await user.type(option(2), 'Tea')
  expect(screen.getByText(words.faults.sameOption)).toBeDefined()
  await user.clear(option(2))
  await user.type(option(2), 'Coffee{Enter}')
  await pass(50)
  expect(document.activeElement).toBe(option(3))
  await user.keyboard('Water')
  // The preview is the voters' page as it will be.
  const preview = screen.getByRole('region', { name: editor.preview })
  expect(within(preview).getByText('What do you drink?')).toBeDefined()
  expect(within(preview).getByText('Water')).toBeDefined()
  await press(user, editor.save)
  expect(api.asks(create)[0]?.body).toEqual({
    title: 'Afternoon break',
    description: '',
    changesAllowed: true,
    resultsVisibility: 'always',
    access: 'open',
    listed: true,
    questions: [
      {
        text: 'What do you drink?',
        method: 'single',
        required: true,
        options: [{ text: 'Tea' }, { text: 'Coffee' }, { text: 'Water' }],
      },
    ],
  })
  expect(location.pathname).toMatch(/^\/admin\/polls\/1h7qk3v9m2x4/)
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('options are moved by buttons and keys, taken away, and pasted by the line', async () => {
  const { api } = place
  const user = await visitAdministration(api, '/admin/polls/new', 'organizer')
  await press(user, editor.pasteOptions)
  await user.click(screen.getByLabelText(editor.pasted))
  await user.paste('Tea\r\n  Coffee \n\nTea\nWater')
  await press(user, editor.takePasted)
  expect(optionTexts()).toEqual(['Tea', 'Coffee', 'Water'])
  await press(user, editor.moveOptionDown(1, 1))
  expect(optionTexts()).toEqual(['Coffee', 'Tea', 'Water'])
  await user.click(option(3))
  await user.keyboard('{Alt>}{ArrowUp}{/Alt}')
  await pass(50)
  expect(optionTexts()).toEqual(['Coffee', 'Water', 'Tea'])
  expect(document.activeElement).toBe(option(2))
  await press(user, editor.removeOption(1, 1))
  expect(optionTexts()).toEqual(['Water', 'Tea'])
  // Two are needed: the button is there, and does nothing.
  await press(user, editor.removeOption(1, 1))
  expect(optionTexts()).toEqual(['Water', 'Tea'])
})

test('limits: where several may be chosen, and within the options', async () => {
  const { api } = place
  api.on(create, asDraft)
  const user = await visitAdministration(api, '/admin/polls/new', 'organizer')
  expect(screen.queryByLabelText(editor.max)).toBeNull()
  await user.selectOptions(screen.getByLabelText(editor.method), editor.methods.multiple)
  await user.type(screen.getByLabelText(editor.max), '5')
  await user.tab()
  expect(screen.getByText(words.faults.moreThanOptions(2))).toBeDefined()
  await user.clear(screen.getByLabelText(editor.max))
  await user.type(screen.getByLabelText(editor.max), '1')
  await user.type(screen.getByLabelText(editor.min), '2')
  await user.tab()
  expect(screen.getByText(words.faults.minAboveMax)).toBeDefined()
  // Back to one option, limits count no more.
  await user.selectOptions(screen.getByLabelText(editor.method), editor.methods.single)
  expect(screen.queryByText(words.faults.minAboveMax)).toBeNull()
})

test('questions are added, moved with their options, and removed', async () => {
  const user = await visitAdministration(place.api, '/admin/polls/new', 'organizer')
  await user.type(screen.getByLabelText(editor.question(1)), 'First?')
  await user.type(option(1), 'Yes')
  await press(user, editor.addQuestion)
  expect(document.activeElement).toBe(screen.getByLabelText(editor.question(2)))
  await user.keyboard('Second?')
  await press(user, editor.moveQuestionUp(2))
  expect(screen.getByLabelText<HTMLInputElement>(editor.question(1)).value).toBe('Second?')
  expect(option(1, 2).value).toBe('Yes')
  await press(user, editor.removeQuestion(1))
  expect(screen.getByLabelText<HTMLInputElement>(editor.question(1)).value).toBe('First?')
})

test('every level says what it stops and what it does not', async () => {
  const user = await visitAdministration(place.api, '/admin/polls/new', 'organizer')
  for (const { name, stops, stopsNot } of Object.values(words.levels)) {
    const level = screen.getByRole('radio', { name })
    const said = document.getElementById(level.getAttribute('aria-describedby') ?? '')?.textContent
    expect(said).toContain(stops)
    expect(said).toContain(stopsNot)
  }
  await user.click(screen.getByRole('radio', { name: words.levels.code.name }))
  expect(screen.getByRole<HTMLInputElement>('radio', { name: words.levels.code.name }).checked).toBe(true)
})

test('what could not be saved stays; somebody else’s change is said, and can be loaded', async () => {
  const { api } = place
  const poll = newPoll({ state: 'draft', opensAt: null })
  api.on(routes.poll(poll.id), json(poll))
  api.on(`PUT /v1/polls/${poll.id}`, noConnection, problem('poll-state'))
  const user = await visitAdministration(api, `/admin/polls/${poll.id}`, 'organizer')
  const title = () => screen.getByLabelText<HTMLInputElement>(editor.title)
  await user.type(title(), ' with cake')
  await press(user, editor.save)
  expect(spoken('alert')).toContain(editor.notSaved)
  expect(spoken('alert')).toContain(words.away.api)
  expect(title().value).toBe('Afternoon break with cake')

  await press(user, editor.save)
  expect(spoken('alert')).toContain(editor.changedElsewhere)
  api.on(routes.poll(poll.id), json({ ...poll, title: 'Morning break' }))
  await press(user, editor.loadAgain)
  expect(title().value).toBe('Morning break')
})

test('leaving with unsaved changes asks first', async () => {
  const { api } = place
  api.on(paths.polls, json({ polls: [], next: null }))
  const user = await visitAdministration(api, '/admin/polls/new', 'organizer')
  await user.type(screen.getByLabelText(editor.title), 'Lunch')
  await user.click(screen.getByRole('link', { name: words.navigation.polls }))
  await settle()
  expect(within(screen.getByRole('dialog')).getByText(editor.leave)).toBeDefined()
  await press(user, words.leave.stay)
  expect(location.pathname).toBe('/admin/polls/new')
  expect(screen.getByLabelText<HTMLInputElement>(editor.title).value).toBe('Lunch')
  await user.click(screen.getByRole('link', { name: words.navigation.polls }))
  await settle()
  await press(user, words.leave.leave)
  expect(location.pathname).toBe('/admin')
})

test('opening says what freezes and in which time zone; an opened poll is there to read, to close and to open again', async () => {
  const { api } = place
  const draft = newPoll({ state: 'draft', opensAt: null, access: 'guarded', questions: [drink] })
  api.on(routes.poll(draft.id), json(draft))
  api.on(`PUT /v1/polls/${draft.id}`, json(draft))
  api.on(`POST /v1/polls/${draft.id}/open`, json({ ...draft, state: 'open', opensAt: '2026-11-21T20:00:00.000Z' }))
  const user = await visitAdministration(api, `/admin/polls/${draft.id}`, 'organizer')
  await press(user, editor.saveAndOpen)
  const dialog = within(screen.getByRole('dialog', { name: words.opening.titles.draft }))
  expect(dialog.getByText(words.opening.question('What do you drink?', 3))).toBeDefined()
  expect(dialog.getByText(words.levels.guarded.name)).toBeDefined()

  await user.click(dialog.getByRole('radio', { name: words.opening.laterClose }))
  await user.click(dialog.getByRole('button', { name: words.opening.buttons.draft }))
  expect(dialog.getByText(words.opening.fillIn)).toBeDefined()
  const closes = dialog.getByLabelText(words.opening.closesAt)
  await user.type(closes, '2026-11-20T10:00')
  expect(dialog.getByText(words.faults.closesTooEarly)).toBeDefined()
  await user.clear(closes)
  await user.type(closes, '2026-11-30T18:00')
  await user.click(dialog.getByRole('button', { name: words.opening.buttons.draft }))
  await settle()
  // Typed in the browser's time zone, sent as UTC.
  expect(api.asks(`POST /v1/polls/${draft.id}/open`)[0]?.body).toEqual({
    opensAt: null,
    closesAt: new Date('2026-11-30T18:00').toISOString(),
  })
  expect(screen.queryByLabelText(editor.title)).toBeNull()
  expect(screen.getByText(words.pollPage.frozen)).toBeDefined()
  // What the organizer hands on.
  expect(screen.getByText(`${location.origin}/p/${draft.id}`)).toBeDefined()
  // The button that opened it is gone with the form.
  expect(document.activeElement).toBe(screen.getByRole('main'))
  expect(screen.getByRole('button', { name: words.polls.close })).toBeDefined()
  expect(screen.getByRole('button', { name: words.pollPage.times.open })).toBeDefined()
})

test('an auditor reads a draft and changes nothing', async () => {
  const { api } = place
  const poll = newPoll({ state: 'draft', opensAt: null })
  api.on(routes.poll(poll.id), json(poll))
  await visitAdministration(api, `/admin/polls/${poll.id}`, 'auditor')
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe(poll.title)
  expect(within(screen.getByRole('main')).queryAllByRole('button')).toEqual([])
})
