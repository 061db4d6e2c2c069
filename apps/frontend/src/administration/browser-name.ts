/** Which browser on which device a User-Agent names; null: neither is known. The order matters: most name others as well. */
export function browserName(userAgent: string): { browser: string; device: string } | null {
  const browser = browsers.find(([, pattern]) => pattern.test(userAgent))?.[0]
  const device = devices.find(([, pattern]) => pattern.test(userAgent))?.[0]
  return browser === undefined || device === undefined ? null : { browser, device }
}

const browsers = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bVersion\/\S+ .*Safari\//],
] as const

const devices = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Mac', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
] as const
