/** What was said on the command line: a driver refuses an option that it does not know, and one that was not given is none. */
export const given = <Options extends object>(options: Options): Partial<Options> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<Options>
