import type { Row } from './bad-input-row.ts'

export const voteRows: Row[] = [
  {
    name: 'a survey that does not exist',
    path: () => '/vote',
    body: { survey_id: 999, vote: 'coca' },
    problem: 'poll-not-found',
    field: 'survey_id',
  },
  {
    name: 'an option that does not exist',
    path: () => '/vote',
    body: { survey_id: 1, vote: 'fanta' },
    problem: 'invalid-answer',
    field: 'vote',
  },
  { name: 'an option in capitals', path: () => '/vote', body: { survey_id: 1, vote: 'COCA' }, problem: 'invalid-answer', field: 'vote' },
  { name: 'a survey id of 0', path: () => '/vote', body: { survey_id: 0, vote: 'coca' }, problem: 'invalid-request', field: 'survey_id' },
  {
    name: 'a survey id that is no number',
    path: () => '/vote',
    body: { survey_id: 'one', vote: 'coca' },
    problem: 'invalid-request',
    field: 'survey_id',
  },
  { name: 'a vote that is a number', path: () => '/vote', body: { survey_id: 1, vote: 1 }, problem: 'invalid-request', field: 'vote' },
  {
    name: 'a vote for __proto__',
    path: () => '/vote',
    body: { survey_id: 1, vote: '__proto__' },
    problem: 'invalid-answer',
    field: 'vote',
  },
  { name: 'a vote of 1 MB', path: () => '/vote', body: { survey_id: 1, vote: 'x'.repeat(1_000_000) }, problem: 'body-too-large' },
  {
    name: 'a vote with a bad Idempotency-Key',
    path: () => '/vote',
    headers: { 'idempotency-key': 'x' },
    body: { survey_id: 1, vote: 'coca' },
    problem: 'invalid-request',
    field: 'header idempotency-key',
  },
  {
    name: 'an unknown option with a userID',
    path: () => '/api/postVotes',
    body: { userID: 'id-1', vote: 'fanta' },
    problem: 'invalid-answer',
    field: 'vote',
  },
  {
    name: 'a user vote of 1 MB',
    path: () => '/api/postVotes',
    body: { userID: 'x'.repeat(1_000_000), vote: 'coca' },
    problem: 'body-too-large',
  },
  {
    name: 'a user vote that is a form',
    path: () => '/api/postVotes',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'userID=1',
    problem: 'unsupported-media-type',
  },
]
