/** The questions of init, about what the flags did not say. What does not fit is asked again. */
import { checkBackend, checkBackendName, checkCatalog, exampleOf, type NewBackend } from '../../../api/init.ts'
import { driverNames } from '../../../api/open.ts'
import { errorView, TblctlError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { CommandContext } from '../../command.ts'
import { cleanLines } from '../../output/text.ts'
import { createPrompter } from '../../prompt.ts'
import { type Said, usual } from './flags.ts'

type Ask = (question: string, usual: string, check: (answer: string) => void | Promise<void>) => Promise<string>

export async function ask(
  context: CommandContext,
  said: Said,
): Promise<{ catalog: string | null; backends: readonly NewBackend[] }> {
  const prompter = createPrompter(context.io, context.stop)
  const question: Ask = async (text, usual, check) => {
    for (;;) {
      const answer = (await prompter.text(`${text} (${usual})`)).trim() || usual
      try {
        await check(answer)
        return answer
      } catch (thrown) {
        if (!(thrown instanceof TblctlError)) throw thrown
        const { message, hint } = errorView(thrown)
        context.io.stderr.say(cleanLines(hint === undefined ? message : `${message}\n${hint}`))
      }
    }
  }
  const catalog = said.catalog ?? (await question('Where is the catalog kept?', '.tblctl/catalog.db', checkCatalog))
  return { catalog, backends: said.backends ?? [await askBackend(question)] }
}

async function askBackend(question: Ask): Promise<NewBackend> {
  const name = await question('What is the backend called?', 'lake', checkBackendName)
  let config: JsonObject = {}
  const driver = await question(`Which driver? ${driverNames.join(', ')}`, usual.driver, async (answer) => {
    config = await exampleOf(answer)
  })
  for (const [key, usual] of Object.entries(config)) {
    // A map or a list is edited in the file.
    if (typeof usual !== 'string') continue
    const value = await question(`${key} of ${name}?`, usual, (answer) =>
      checkBackend({ name, driver, config: { ...config, [key]: answer } }),
    )
    config = { ...config, [key]: value }
  }
  return { name, driver, config }
}
