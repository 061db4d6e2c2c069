import { paths } from '../../router.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'
import { PollsPage } from './polls-page.tsx'

/** What /admin is depends on who comes. */
export function HomePage() {
  return useMe().may('polls.read') ? <PollsPage /> : <VoterPage />
}

/** Somebody who votes, and does nothing else here. */
function VoterPage() {
  const { words } = useWords()
  const { me } = useMe()
  return (
    <>
      <PageHeading title={words.voter.title} />
      <p>{words.voter.signedIn(me.user?.username ?? '')}</p>
      <p>{words.voter.link}</p>
      <p>
        <a href={paths.home}>{words.voter.home}</a>
      </p>
    </>
  )
}
