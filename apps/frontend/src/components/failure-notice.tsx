import type { ApiFailure } from '../api.ts'
import { describeFailure } from '../describe-failure.ts'
import { useTexts } from '../language.tsx'
import { useFocusKept } from '../use-focus-kept.ts'

interface FailureNoticeProps {
  failure: ApiFailure
  tryNow: () => void
}

/** Says why something could not be loaded, and that it is being tried again where that helps. */
export function FailureNotice({ failure, tryNow }: FailureNoticeProps) {
  const texts = useTexts()
  const place = useFocusKept<HTMLDivElement>()
  if (failure.reason === 'refused') return <RefusalNotice failure={failure} />
  return (
    <div className="notice notice-waiting" role="status" ref={place}>
      <p>
        <strong>{describeFailure(texts, failure)}</strong> {texts.failure.retrying}
      </p>
      <button type="button" className="button button-quiet" onClick={tryNow}>
        {texts.failure.tryNow}
      </button>
    </div>
  )
}

interface RefusalNoticeProps {
  failure: ApiFailure
  /** What the refusal means here; the reason then follows it. */
  title?: string
}

/** What the server said no to. */
export function RefusalNotice({ failure, title }: RefusalNoticeProps) {
  const why = describeFailure(useTexts(), failure)
  return (
    <div className="notice notice-refused" role="alert">
      <p>
        <strong>{title ?? why}</strong> {title !== undefined && why}
      </p>
    </div>
  )
}
