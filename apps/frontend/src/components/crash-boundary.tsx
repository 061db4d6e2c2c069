import { Component, type ReactNode } from 'react'
import { useTexts } from '../language.tsx'

/** A mistake of ours in a component must not leave the voter with an empty page. */
export class CrashBoundary extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false }

  static getDerivedStateFromError() {
    return { crashed: true }
  }

  override render() {
    return this.state.crashed ? <Crashed /> : this.props.children
  }
}

function Crashed() {
  const { crash } = useTexts()
  return (
    <main className="column" role="alert">
      <h1>{crash.title}</h1>
      <p>{crash.text}</p>
      <p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {crash.reload}
        </button>
      </p>
    </main>
  )
}
