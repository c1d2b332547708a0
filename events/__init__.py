"""Events as the pipeline sees them: types, columns, money, time and errors. Imports nothing of ours."""
