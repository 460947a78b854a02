// MSW 3 is made for Node.js 22. This is what it uses that Node.js 20 does not have.
interface Resolvers {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

const constructor = Promise as typeof Promise & { withResolvers?: () => Resolvers };
constructor.withResolvers ??= function () {
  const made = {} as Resolvers;
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
