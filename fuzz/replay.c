/*
 * Runs a fuzz target over the files of the folders given: the corpus, in the ordinary test run.
 * A target with no corpus file is an error, so that none is forgotten.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (file == NULL || fstat(fileno(file), &st) != 0) {
		perror(path);
		exit(1);
	}
	size = (size_t)st.st_size;
	data = malloc(
		size + 1); /* exactly sized inputs show overreads under the address sanitizer */
	if (data == NULL || fread(data, 1, size, file) != size) {
		perror(path);
		exit(1);
	}
	fclose(file);
	uint8_t *exact = realloc(data, size > 0 ? size : 1);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		const struct dirent *entry;
		char path[4096];

		if (dir == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			count += replay_file(path);
		}
		closedir(dir);
	}
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
