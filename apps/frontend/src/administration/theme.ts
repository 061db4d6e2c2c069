import { createTheme, defaultVariantColorsResolver, type MantineColorsTuple, parseThemeColor } from '@mantine/core'

/**
 * Urna's look for Mantine. The colours themselves are the tokens of the voters' pages (styles.css), light and dark: administration.css says
 * which of Mantine's variables is which token. Here they only have names, so that `color="danger"` is one.
 */

function named(token: string): MantineColorsTuple {
  const colour = `var(--${token})`
  return [colour, colour, colour, colour, colour, colour, colour, colour, colour, colour]
}

export const theme = createTheme({
  primaryColor: 'accent',
  colors: { accent: named('accent'), danger: named('danger'), signal: named('signal') },
  fontFamily: 'system-ui, sans-serif',
  defaultRadius: 'md',
  focusRing: 'auto',
  variantColorResolver(input) {
    const { color, variant } = input
    const { isThemeColor, color: name } = parseThemeColor({ color: color ?? input.theme.primaryColor, theme: input.theme })
    // Text on a filled button is the page's colour: white on the light green of the dark scheme cannot be read.
    if (variant === 'filled' && isThemeColor)
      return {
        background: `var(--mantine-color-${name}-filled)`,
        hover: `var(--mantine-color-${name}-filled-hover)`,
        color: 'var(--paper)',
        border: '1px solid transparent',
      }
    return defaultVariantColorsResolver(input)
  },
  components: {
    // Mantine locks the page behind a dialog by a style element, which the Content-Security-Policy refuses; nothing here moves.
    ModalRoot: { defaultProps: { lockScroll: false, transitionProps: { duration: 0 }, centered: true, size: 'lg' } },
    Button: { defaultProps: { size: 'md' } },
    TextInput: { defaultProps: { size: 'md' } },
    PasswordInput: { defaultProps: { size: 'md' } },
    Textarea: { defaultProps: { size: 'md' } },
    NativeSelect: { defaultProps: { size: 'md' } },
    RadioGroup: { defaultProps: { size: 'md' } },
    CheckboxGroup: { defaultProps: { size: 'md' } },
    Checkbox: { defaultProps: { size: 'md' } },
    Radio: { defaultProps: { size: 'md' } },
  },
})
