import { useMemo } from 'react'
import { encode } from 'uqr'

/** Blank modules around it, which scanners need. */
const quiet = 4

/** A QR code in black on white, sharp at any size. Read aloud, it says nothing that does not stand beside it. */
export function QrCode({ text }: { text: string }) {
  const { size, path } = useMemo(() => {
    // M: a fold or a drop of coffee on the paper does not spoil it.
    const { data, size } = encode(text, { ecc: 'M', border: quiet })
    const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
    return { size, path: dark.join('') }
  }, [text])
  return (
    <svg viewBox={`0 0 ${size} ${size}`} width={size * 4} height={size * 4} shapeRendering="crispEdges" aria-hidden="true">
      <rect width={size} height={size} fill="#ffffff" />
      <path d={path} fill="#000000" />
    </svg>
  )
}
