/** Decimals of so many digits survive being read as a double and written again. */
const safeDigits = 15;
/** Below it doubles have fewer digits. */
const subnormalMax = 2.3e-308;

const [quote, backslash, minus, zero, nine] = [0x22, 0x5c, 0x2d, 0x30, 0x39];

/**
 * The first number in a JSON text that JavaScript would not keep as it is written, as an integer
 * beyond 2^53; null where there is none.
 *
 * @param text is valid JSON
 */
export function inexactNumber(text: string): string | null {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === minus || (code >= zero && code <= nine)) {
      const end = endOfNumber(text, at);
      const number = text.slice(at, end);
      if (!isExact(number)) return number;
      at = end - 1;
    }
  }
  return null;
}

/** Where the quote stands that ends a string. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote) {
    at += text.charCodeAt(at) === backslash ? 2 : 1;
  }
  return at;
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && '0123456789.eE+-'.includes(text[at]!)) at++;
  return at;
}

function isExact(number: string): boolean {
  const value = Number(number);
  if (!Number.isFinite(value)) return false;
  const written = decimalOf(number);
  if (value === 0) return written.digits === '';
  if (written.digits.length <= safeDigits && Math.abs(value) > subnormalMax) return true;
  const kept = decimalOf(String(value));
  return kept.digits === written.digits && kept.exponent === written.exponent;
}

/** Its digits without zeros before and behind them, and by which power of ten they count. */
function decimalOf(number: string): { digits: string; exponent: number } {
  const unsigned = number.startsWith('-') ? number.slice(1) : number;
  const [mantissa = '', power = '0'] = unsigned.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  // A caller may send a million zeros: no pattern that looks at them again and again.
  let start = 0;
  while (all[start] === '0') start++;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end--;
  const exponent = Number(power) - fraction.length + (all.length - end);
  return { digits: all.slice(start, end), exponent };
}
