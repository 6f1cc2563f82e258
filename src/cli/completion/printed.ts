/** @bomb.sh/tab prints its answers; this takes them instead. Its work is synchronous, so nobody else's output is caught. */
export function printed(work: () => void): string {
  const { log } = console
  let text = ''
  console.log = (line: unknown) => {
    text += `${String(line)}\n`
  }
  try {
    work()
  } finally {
    console.log = log
  }
  return text
}
