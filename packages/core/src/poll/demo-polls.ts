import type { PollDefinition } from './poll.ts'

function oneQuestion(title: string, optionTexts: readonly string[]): PollDefinition {
  return {
    title,
    description: '',
    questions: [
      {
        number: 1,
        text: title,
        method: 'single',
        required: true,
        min: 1,
        max: 1,
        options: optionTexts.map((text, index) => ({ number: index + 1, text })),
      },
    ],
    changesAllowed: true,
    resultsVisibility: 'always',
    access: 'open',
    listed: true,
  }
}

/** What a fresh installation shows, open at once. The option texts of the first are what older clients send. */
export const demoPolls: readonly PollDefinition[] = [
  oneQuestion('Coca or Pepsi?', ['coca', 'pepsi']),
  oneQuestion('What do you drink in the morning?', ['Coffee', 'Tea', 'Water']),
]
