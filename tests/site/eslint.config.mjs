import js from "@eslint/js";
import globals from "globals";

const rules = {
  ...js.configs.recommended.rules,
  "no-unused-vars": "error",
  "no-var": "error",
  "prefer-const": "error",
  eqeqeq: "error",
  strict: ["error", "global"],
};

export default [
  { ignores: ["**/digits.js", "**/mathjax/**"] },
  {
    files: ["**/_static/**/*.js"],
    languageOptions: { sourceType: "script", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules,
  },
  {
    files: ["tests/site/*.js"],
    languageOptions: { sourceType: "commonjs", globals: globals.node },
    rules,
  },
];
