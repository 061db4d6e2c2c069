/** Every word the pages say themselves, in one place, so that they can be translated. */

import type { ReceiptStatus } from '@urna/contracts'

/** Language of the texts, and of the numbers and times between them. */
export const locale = 'en-GB'

const number = new Intl.NumberFormat(locale)

function counted(count: number, one: string, many: string): string {
  return `${number.format(count)} ${count === 1 ? one : many}`
}

const receiptStatuses: Record<ReceiptStatus, string> = {
  received: 'Received',
  counted: 'Counted',
  replaced: 'Replaced',
  rejected: 'Not counted',
  late: 'Too late',
  lost: 'Lost',
}

export const texts = {
  site: {
    name: 'Urna',
    skip: 'Skip to the content',
    navigation: 'Main',
    checkMyVote: 'Check my vote',
  },

  home: {
    title: 'Vote, and see the votes counted',
    lead: 'Urna is a ballot box on the web: every voter counts exactly once, and you can check that yours did.',
    enterHeading: 'Have a poll id?',
    enterLabel: 'Poll id or link',
    enterHint: '16 letters and digits, as in the link you were sent.',
    enterButton: 'Go to the poll',
    enterFault: 'This is not a poll id. It has 16 letters and digits, without i, l, o and u. Copy it again from the link you were sent.',
    listHeading: 'Polls',
    empty: 'No polls yet. Public polls will be listed here. If you were sent a poll id, enter it above.',
    loading: 'Loading the polls…',
    more: 'Show more polls',
    opens: (time: string) => `opens ${time}`,
    until: (time: string) => `until ${time}`,
    vote: 'Vote',
    results: 'Results',
    voteIn: (title: string) => `Vote in ${title}`,
    resultsOf: (title: string) => `Results of ${title}`,
  },

  poll: {
    states: { draft: 'Draft', scheduled: 'Not open yet', open: 'Open', closed: 'Closed' },
    opensAt: (time: string) => `Opens ${time}, your time.`,
    openUntil: (time: string) => `Open until ${time}, your time.`,
    closedAt: (time: string) => `Closed ${time}, your time.`,
    open: 'Open.',
    closed: 'Closed.',
    notFoundTitle: 'There is no such poll',
    notFound: 'Check the link you were sent, or look for the poll in the list.',
    loading: 'Loading the poll…',
  },

  vote: {
    notOpenYet: 'This poll is not open yet.',
    notOpenYetHint: 'Leave this page open: the questions can be answered here as soon as it opens.',
    closed: 'This poll is closed.',
    closedHint: 'No more votes are taken.',
    changesAllowed: 'You can change your vote until the poll closes.',
    changesNotAllowed: 'A vote cannot be changed once it is sent.',
    alreadyVoted: 'You have voted.',
    alreadyVotedHint: 'If you send another vote, it replaces that one.',
    alreadyVotedFixed: 'This poll does not allow changes.',
    yourReceipt: 'Your receipt',
    yourVote: 'Your vote',
    noAnswer: 'No answer',
    chooseOne: 'Choose one.',
    chooseSome: (min: number, max: number, options: number) => {
      if (min === max) return `Choose exactly ${number.format(min)}.`
      if (max === options) return min === 1 ? 'Choose one or more.' : `Choose at least ${number.format(min)}.`
      return min === 1 ? `Choose up to ${number.format(max)}.` : `Choose ${number.format(min)} to ${number.format(max)}.`
    },
    mayBeBlank: 'You may leave this question blank.',
    chosen: (count: number) => `${number.format(count)} chosen`,
    faultMissing: 'Choose an answer here.',
    faultTooFew: (min: number) => `Choose at least ${number.format(min)}.`,
    faultTooMany: (max: number) => `Choose at most ${number.format(max)}.`,
    faults: (count: number) => `${counted(count, 'question needs', 'questions need')} another look before your vote can be sent.`,
    send: 'Send my vote',
    sendChanged: 'Send my changed vote',
    sending: 'Sending…',
    sendingStatus: 'Sending your vote…',
    notSent: {
      'no-connection': 'Not sent yet: no connection.',
      'no-answer': 'Not confirmed yet: the server did not answer in time.',
      busy: 'Not confirmed yet: the server is busy.',
    },
    tryingAgain: 'Trying again… Your vote counts once, however often it is sent. Please keep this page open.',
    tryNow: 'Try now',
    changeBeforeSent: 'Change my answers',
    maybeArrivedReplace: 'Your vote may have arrived already. If you send another one, it replaces that one.',
    maybeArrivedFixed: 'Your vote may have arrived already. If it did, it counts and cannot be changed.',
    maybeArrivedInTime: 'If an earlier try did arrive in time, it counts: reload this page in a minute to see.',
    receivedTitle: 'Your vote is received',
    changeAfter: 'Change my vote',
    seeResults: 'See the results',
    refused: 'Your vote was not taken.',
  },

  receipt: {
    statuses: receiptStatuses,
    checking: 'Checking…',
    text: 'Receipt',
    keep: 'Keep the receipt: with it you can check at any time that your vote is counted. It does not say what you voted for.',
    copy: 'Copy the receipt',
    copied: 'Copied',
    selectToCopy: 'Selected: now copy it from your keyboard or menu',
    checkFailed: 'The status cannot be read right now. Trying again…',
  },

  receipts: {
    title: 'Check my vote',
    lead: 'Paste the receipt you got when you voted. You will see what became of that vote, but not what it said.',
    label: 'Receipt',
    button: 'Check',
    empty: 'Paste a receipt first.',
    notOurs: 'This is not a receipt of this site. Check that you copied all of it.',
    loading: 'Looking it up…',
    poll: 'To the poll',
    results: 'To its results',
  },

  results: {
    title: (title: string) => `Results: ${title}`,
    eyebrow: 'Results',
    loading: 'Loading the results…',
    turnout: (count: number) => (count === 1 ? 'voter' : 'voters'),
    asOf: (time: string) => `as of ${time}`,
    notCountedYet: 'nothing counted yet',
    waiting: (count: number) => `waiting ${number.format(count)}`,
    provisional: 'Provisional',
    final: 'Final',
    provisionalHint: 'The numbers still move.',
    finalHint: 'All votes are counted.',
    answered: (count: number) => counted(count, 'voter answered', 'voters answered'),
    votes: (count: number) => counted(count, 'vote', 'votes'),
    leads: 'leads',
    won: 'most votes',
    tied: 'tied',
    yourVote: 'your vote',
    csv: 'Download as CSV',
    csvFailed: 'The file could not be loaded. Try again.',
    toVote: 'To the poll',
    stale: 'No fresh numbers right now. These stay until there are newer ones; trying again…',
    hiddenTitle: 'The results are not shown yet',
  },

  notFound: {
    title: 'There is no such page',
    text: 'The address may be mistyped, or the page may have moved.',
    home: 'To the list of polls',
  },

  failure: {
    'no-connection': 'No connection.',
    'no-answer': 'The server did not answer in time.',
    busy: 'The server is busy.',
    retrying: 'Trying again by itself.',
    tryNow: 'Try now',
    refused: 'That did not work.',
  },
}
