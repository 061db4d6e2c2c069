import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { createPoll } from '../api.ts'
import { NotAllowed } from '../components/not-allowed.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { PollEditor } from '../components/poll-editor.tsx'
import { newDraft } from '../poll-draft.ts'
import { keys } from '../query-client.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

export function NewPollPage() {
  const { words } = useWords()
  const { may } = useMe()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [first] = useState(newDraft)
  if (!may('polls.change')) return <NotAllowed title={words.editor.newTitle} />
  return (
    <>
      <PageHeading title={words.editor.newTitle} />
      <PollEditor
        first={first}
        save={createPoll}
        onSaved={(poll, thenOpen) => {
          client.setQueryData(keys.poll(poll.id), poll)
          void client.invalidateQueries({ queryKey: keys.polls })
          void navigate({ to: '/admin/polls/$id', params: { id: poll.id }, ...(thenOpen ? { hash: 'open' } : {}), replace: true })
        }}
      />
    </>
  )
}
