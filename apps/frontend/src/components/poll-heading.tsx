import type { Poll } from '@urna/contracts'
import { useEffect, useState } from 'react'
import { useLanguage } from '../language.tsx'
import { pollTimes } from '../poll-times.ts'
import { serverNowMs } from '../server-clock.ts'

/** What the poll is about, and until when. */
export function PollHeading({ poll }: { poll: Poll }) {
  const { texts, format } = useLanguage()
  return (
    <>
      <h1>{poll.title}</h1>
      {poll.description !== '' && <p className="description">{poll.description}</p>}
      <p className="soft">
        {pollTimes(poll, texts, format)} <Countdown poll={poll} />
      </p>
    </>
  )
}

const longestCountdownMs = 7 * 24 * 3_600_000
const everySecondBelowMs = 3_600_000

/** Time left until the poll opens or closes, by the server's clock. Said only where it is near: a date says more of a far one. */
function Countdown({ poll: { state, opensAt, closesAt } }: { poll: Poll }) {
  const { texts, format } = useLanguage()
  const [nowMs, setNowMs] = useState(serverNowMs)
  const change = state === 'open' ? closesAt : state === 'scheduled' ? opensAt : null
  const leftMs = change === null ? Number.POSITIVE_INFINITY : Date.parse(change) - nowMs
  const everySecond = leftMs < everySecondBelowMs

  useEffect(() => {
    if (change === null) return
    const timer = setInterval(() => setNowMs(serverNowMs()), everySecond ? 1_000 : 15_000)
    return () => clearInterval(timer)
  }, [change, everySecond])

  if (leftMs >= longestCountdownMs) return null
  const text = state === 'open' ? texts.poll.closesIn : texts.poll.opensIn
  // Whole minutes until the last hour. Screen readers have the date beside it: they would read every second aloud.
  return (
    <span className="countdown numbers" aria-hidden="true">
      {text(format.duration(everySecond ? leftMs : Math.ceil(leftMs / 60_000) * 60_000))}
    </span>
  )
}
